package wire

import "strings"

// awkward are messages that real senders do not write but may. An error of "" means the message is legal;
// what it must decode to is what protobuf-go makes of it.
var awkward = []struct {
	name    string
	payload string
	err     string
}{
	{"empty", "", ""},
	{"ok with a long true", "\x10\x80\x01", ""},
	{"empty event", "\x32\x00", ""},
	{"states", "\x22\x03abc\x32\x00", ""},
	{"query without text", "\x2a\x00", ""},
	{"two queries merge", "\x2a\x03\x0a\x01a\x2a\x00", ""},
	{"host comes last", "\x32\x06\x1a\x01s\x22\x01h", ""},
	{"host twice", "\x32\x06\x22\x01a\x22\x01b", ""},
	{"empty strings", "\x32\x08\x12\x00\x1a\x00\x22\x00\x2a\x00", ""},
	{"ttl in the run", "\x32\x0d\x3a\x01a\x45\x00\x00\xa0\x41\x4a\x03\x0a\x01k", ""},
	{"ttl before, in and after the run", "\x32\x19\x45\x00\x00\x80\x3f\x3a\x01a\x45\x00\x00\xa0\x41\x4a\x03\x0a\x01k\x08\x01\x45\x00\x00\x00\x40", ""},
	{"ttl before and in the run", "\x32\x12\x45\x00\x00\x80\x3f\x3a\x01a\x45\x00\x00\xa0\x41\x4a\x03\x0a\x01k", ""},
	{"split run", "\x32\x0e\x3a\x01a\x22\x01h\x3a\x01b\x4a\x03\x0a\x01k", ""},
	{"tags after attributes", "\x32\x0b\x4a\x03\x0a\x01k\x3a\x01b\x3a\x01a", ""},
	{"duplicate tags and keys", "\x32\x16\x3a\x01a\x3a\x01a\x4a\x06\x0a\x01k\x12\x01v\x4a\x06\x0a\x01k\x12\x01w", ""},
	{"attribute key twice", "\x32\x08\x4a\x06\x0a\x01k\x0a\x01l", ""},
	{"attribute with empty key", "\x32\x04\x4a\x02\x0a\x00", ""},
	{"attribute host", "\x32\x0d\x4a\x0b\x0a\x04host\x12\x03web", ""},
	{"attribute host beside a host", "\x32\x10\x22\x01h\x4a\x0b\x0a\x04host\x12\x03web", ""},
	{"attribute metric", "\x32\x0d\x4a\x0b\x0a\x06metric\x12\x011", ""},
	{"invalid UTF-8", "\x32\x09\x22\x03a\xffb\x3a\x02\xc3(", ""},
	{"all metrics", "\x32\x10\x7d\x00\x00\x80\x3f\x71\x00\x00\x00\x00\x00\x00\x00\x40\x68\x0a", ""},
	{"metric_sint64 of 0", "\x32\x07\x68\x00\x7d\x00\x00\x80\x3f", ""},
	{"NaN", "\x32\x09\x71\x00\x00\x00\x00\x00\x00\xf8\x7f", ""},
	{"negative time", "\x32\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", ""},
	{"huge time in seconds", "\x32\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", ""},
	{"time_micros before time", "\x32\x04\x50\x07\x08\x01", ""},
	{"tag of two bytes", "\x32\x05\xa2\x00\x02ab", ""},
	{"length of two bytes for two", "\x32\x05\x22\x82\x00ab", ""},
	{"length of four bytes for two", "\x32\x07\x22\x82\x80\x80\x00ab", ""},
	{"event header of two bytes", "\xb2\x00\x03\x22\x01h", ""},
	{"unknown fields", "\x08\x01\x32\x05\x30\x01\x22\x01h\xa0\x06\x05", ""},
	{"wrong wire types", "\x12\x01a\x32\x08\x20\x01\x0a\x01x\x22\x01h", ""},
	{"a group", "\x32\x0a\x33\x08\x01\x34\x30\x01\x5b\x08\x01\x5c", ""},

	{"garbage", "GET / HTTP/1.1", "wire: field 8 at byte 0: wire type 7, want 0 to 5"},
	{"length past the end", "\x32\x05\x22\x01h", "wire: field 6 (events) at byte 0: length 5, but 3 bytes are left"},
	{"host past the end of its event", "\x32\x03\x22\x09h", "wire: event 1: field 4 (host) at byte 2: length 9, but 1 bytes are left"},
	{"cut number", "\x32\x02\x08\x80", "wire: event 1: field 1 (time) at byte 2: the bytes end inside a number"},
	{"number of 65 bits", "\x32\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "wire: event 1: field 1 (time) at byte 2: a number of more than 64 bits"},
	{"cut double", "\x32\x04\x71\x00\x00\x00", "wire: event 1: field 14 (metric_d) at byte 2: 3 bytes left, want 8"},
	{"cut ttl", "\x32\x02\x45\x00", "wire: event 1: field 8 (ttl) at byte 2: 1 bytes left, want 4"},
	{"field 0", "\x02\x00", "wire: at byte 0: field number 0, want 1 to 536870911"},
	{"wire type 6", "\x32\x01\x26", "wire: event 1: field 4 (host) at byte 2: wire type 6, want 0 to 5"},
	{"end of no group", "\x34", "wire: field 6 (events) at byte 0: the end of a group that was not begun"},
	{"group without end", "\x33\x08\x01", "wire: field 6 (events) at byte 0: group 6 has no end"},
	{"group with another's end", "\x0b\x14", "wire: field 1 at byte 0: end of group 2 inside group 1"},
	{"attribute without key", "\x32\x0a\x22\x01h\x4a\x00\x3a\x01t\x68\x02", "wire: event 1: field 9 (attributes) at byte 5: no key, which an attribute must have"},
	{"attribute without key in a split run", "\x32\x0a\x3a\x01t\x22\x01h\x4a\x02\x12\x00", "wire: event 1: field 9 (attributes) at byte 8: no key, which an attribute must have"},
	{"second event is bad", "\x32\x00\x32\x01\x22", "wire: event 2: field 4 (host) at byte 4: length: the bytes end inside a number"},
	{"deep groups", strings.Repeat("\x0b", 9) + strings.Repeat("\x0c", 9), "wire: field 1 at byte 0: groups nested deeper than 8"},
}
