package lines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"zeta/event"
)

// AppendJSON appends the events of a payload: an object, objects behind one another, or an array of objects, each
// in the form that event.ParseJSON reads; at most `most` of them. An object that is no event is left out; the
// error, with the reason "json" or "limit", is the first one's, and says how many there were.
func AppendJSON(dst []event.Event, payload []byte, most int) ([]event.Event, error) {
	var first error
	n, bad := 0, 0
	broken := eachItem(payload, func(item []byte) error {
		if n++; n > most {
			return errTooMany
		}
		e, err := event.ParseJSON(item)
		if err == nil {
			dst = append(dst, e)
		} else if bad++; first == nil {
			first = fmt.Errorf("item %d: %w", n, err)
		}
		return nil
	})
	switch {
	case broken == errTooMany:
		return dst, refuse("limit", "more than %d events in a message; raise maxEvents, or send fewer in one", most)
	case broken != nil:
		return dst, refuse("json", "after %d items: %v", n, broken)
	case n == 0:
		return dst, refuse("json", "an empty message, want a JSON object")
	case bad > 1:
		return dst, refuse("json", "%v; and %d more of the %d items", first, bad-1, n)
	case bad == 1:
		return dst, refuse("json", "%v", first)
	}
	return dst, nil
}

var errTooMany = errors.New("too many items")

// eachItem gives the JSON values of a payload to f, those of an array one by one, until one cannot be read.
func eachItem(payload []byte, f func(item []byte) error) error {
	d := json.NewDecoder(bytes.NewReader(payload))
	array := bytes.HasPrefix(bytes.TrimLeft(payload, " \t\r\n"), []byte("["))
	if array {
		if _, err := d.Token(); err != nil {
			return err
		}
	}
	for !array || d.More() {
		var item json.RawMessage
		if err := d.Decode(&item); err == io.EOF && !array {
			return nil
		} else if err != nil {
			return err
		}
		if err := f(item); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err == io.EOF {
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the array")
	}
	return nil
}
