package event

import (
	"slices"
	"strings"
)

// LabelKey returns the key of the attribute that holds a foreign label: the label's name, or, where that is
// the name of one of an event's fields, the name with "tag" at its end, as such a name would hide the field.
func LabelKey(name string) string {
	if isField(name) {
		return name + "tag"
	}
	return name
}

// FromLabels returns an event for a measurement that is known by a name and labels, as those of Prometheus,
// OpenTelemetry and statsd are: the name is the service, the labels are attributes under LabelKey, but for the
// label host, which is the event's. A label state is no state of health and stays a label. The values of the
// labels in apart, in that order, are appended to the service behind spaces, so that their series stay apart
// in the index; "*" stands for all labels but host that are not named, by name. Labels without a name or without a value
// are left out. It takes ownership of labels.
func FromLabels(name string, labels []Attr, apart []string) Event {
	labels = slices.DeleteFunc(labels, func(a Attr) bool { return a.Key == "" || a.Value == "" })
	var e Event
	e.SetService(apartService(name, labels, apart))
	kept := labels[:0]
	for _, a := range labels {
		if a.Key == "host" {
			e.SetHost(a.Value)
			continue
		}
		kept = append(kept, Attr{LabelKey(a.Key), a.Value})
	}
	e.Set = NewSet(nil, kept)
	return e
}

// apartService returns the service of a measurement with these labels.
func apartService(name string, labels []Attr, apart []string) string {
	if len(apart) == 0 {
		return name
	}
	var b strings.Builder
	b.WriteString(name)
	value := func(key string) {
		// The last of several labels with one name wins, as in a Set.
		for i := len(labels) - 1; i >= 0; i-- {
			if labels[i].Key == key {
				b.WriteByte(' ')
				b.WriteString(labels[i].Value)
				return
			}
		}
	}
	for _, key := range apart {
		if key != "*" {
			value(key)
			continue
		}
		var rest []string
		for _, a := range labels {
			if a.Key != "host" && !slices.Contains(apart, a.Key) {
				rest = append(rest, a.Key)
			}
		}
		slices.Sort(rest)
		for _, key := range slices.Compact(rest) {
			value(key)
		}
	}
	return b.String()
}

// HostOfInstance returns the host in an address such as Prometheus's label instance has: "web1:9100" and
// "https://web1:443/x" give web1, "[::1]:9100" gives ::1, and what has no port is the host.
func HostOfInstance(instance string) string {
	if _, rest, ok := strings.Cut(instance, "://"); ok {
		instance, _, _ = strings.Cut(rest, "/")
	}
	if strings.HasPrefix(instance, "[") {
		if inner, _, ok := strings.Cut(instance[1:], "]"); ok {
			return inner
		}
	}
	if i := strings.LastIndexByte(instance, ':'); i >= 0 && strings.IndexByte(instance, ':') == i {
		return instance[:i]
	}
	return instance
}
