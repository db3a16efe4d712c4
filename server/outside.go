package server

import (
	"fmt"
	"net/url"
	"reflect"

	"zeta/streams"
)

// outside is what rules declare beside operators: a listener, a sink or a source, as a reload tells of it.
type outside struct {
	text    string // also says which is which: one with the same text and other options is opened again
	options any
}

// outsides are the sinks and sources of rules, and the listeners given.
func outsides(doors []streams.Declaration, rules *streams.Rules) []outside {
	var all []outside
	for _, d := range doors {
		all = append(all, outside{doorText(d), d.Options})
	}
	for _, s := range rules.Sinks {
		all = append(all, outside{"sink " + s.ID, s.Options})
	}
	for _, d := range rules.Sources {
		all = append(all, outside{sourceText(d.Declaration), d.Options})
	}
	return all
}

// compareOutsides says what becomes of what the rules before declare.
func (r *Reloaded) compareOutsides(old, next []outside) {
	r.Stays, r.Reopens, r.Opens, r.Closes = []string{}, []string{}, []string{}, []string{}
	var fresh []outside
	for _, o := range next {
		if i := find(old, o, true); i >= 0 {
			r.Stays = append(r.Stays, o.text)
			old = append(old[:i], old[i+1:]...)
		} else {
			fresh = append(fresh, o)
		}
	}
	for _, o := range fresh {
		if i := find(old, o, false); i >= 0 {
			r.Reopens = append(r.Reopens, o.text)
			old = append(old[:i], old[i+1:]...)
		} else {
			r.Opens = append(r.Opens, o.text)
		}
	}
	for _, o := range old {
		r.Closes = append(r.Closes, o.text)
	}
}

// find returns the place of one that reads like o, with equal options if same; -1 if there is none.
func find(all []outside, o outside, same bool) int {
	for i, x := range all {
		if x.text == o.text && (!same || reflect.DeepEqual(x.options, o.options)) {
			return i
		}
	}
	return -1
}

func doorText(d streams.Declaration) string {
	return fmt.Sprintf("listen.%s(%q)", d.Kind, addressOf(d))
}

// sourceText names a source by its first argument, without a password that a URL may hold.
func sourceText(d streams.Declaration) string {
	v := reflect.ValueOf(d.Options)
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("arg") != "1" {
			continue
		}
		switch x := v.Field(i).Interface().(type) {
		case string:
			if u, err := url.Parse(x); err == nil && u.User != nil {
				x = u.Redacted()
			}
			return fmt.Sprintf("%s(%q)", d.Kind, x)
		case []string:
			if len(x) > 0 {
				return fmt.Sprintf("%s(%q)", d.Kind, x[0])
			}
		}
	}
	return d.Kind
}
