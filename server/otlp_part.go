package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"zeta/internal/jsonparts"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// otlpPart is an encoded message of an export, protobuf or valid JSON. An export is read part by part, as two bytes
// may stand for a hundred when they are decoded.
type otlpPart struct {
	b      []byte
	isJSON bool
}

// otlpField is a field with its number in protobuf and its name in JSON.
type otlpField struct {
	number   protowire.Number
	name     string
	repeated bool
}

// is reports whether a key of JSON is the field's; the names of the schema are allowed, too.
func (f otlpField) is(key string) bool {
	return key == f.name || strings.Contains(key, "_") && key == snake(f.name)
}

// snake turns exponentialHistogram into exponential_histogram.
func snake(name string) string {
	var b strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// each calls f for each message in a field.
func (p otlpPart) each(field otlpField, f func(otlpPart) error) error {
	if !p.isJSON {
		return fields(p.b, func(n protowire.Number, _ uint64, b []byte) error {
			if n != field.number || b == nil {
				return nil
			}
			return f(otlpPart{b: b})
		})
	}
	return jsonparts.Members(p.b, func(key string, b []byte) error {
		switch {
		case !field.is(key), string(b) == "null":
			return nil
		case field.repeated:
			return jsonparts.Items(b, func(_ int, b []byte) error { return f(otlpPart{b, true}) })
		}
		return f(otlpPart{b, true})
	})
}

// decode decodes a message without some of its fields. One that would take much more memory than its text is refused.
func (p otlpPart) decode(m proto.Message, without ...otlpField) error {
	b, err := p.prune(without)
	if err != nil {
		return err
	}
	weight := 0
	if p.isJSON {
		weight = weighJSON(b)
	} else if weight, err = weigh(b, m.ProtoReflect().Descriptor(), 0); err != nil {
		return err
	}
	if most := otlpItem + 2*len(b); weight > most {
		return fmt.Errorf("an item of %d bytes would take about %d bytes, more than %d; it has too many parts", len(b), weight, most)
	}
	if p.isJSON {
		return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
	}
	return proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
}

// The bounds of an item.
const (
	otlpItem       = 256 << 10 // bytes that one may take when decoded, beside twice its text
	maxOTLPDepth   = 64        // messages inside one another
	maxOTLPAttrs   = 256       // attributes of a resource, and of an item
	weightMessage  = 96        // about what a message takes, its pointer and the wrapper of a value that may be of several kinds
	weightJSONPart = 24        // about what a value in an array takes, or a field
)

// prune returns the text of a message without some fields.
func (p otlpPart) prune(without []otlpField) (b []byte, err error) {
	if len(without) == 0 {
		return p.b, nil
	}
	if p.isJSON {
		b = append(b, '{')
		err = jsonparts.Members(p.b, func(key string, part []byte) error {
			if slices.ContainsFunc(without, func(f otlpField) bool { return f.is(key) }) {
				return nil
			}
			if len(b) > 1 {
				b = append(b, ',')
			}
			quoted, err := json.Marshal(key)
			b = append(append(append(b, quoted...), ':'), part...)
			return err
		})
		return append(b, '}'), err
	}
	for rest := p.b; len(rest) > 0; {
		n, _, size := protowire.ConsumeField(rest)
		if size < 0 {
			return nil, errRemoteWrite
		}
		if !slices.ContainsFunc(without, func(f otlpField) bool { return f.number == n }) {
			b = append(b, rest[:size]...)
		}
		rest = rest[size:]
	}
	return b, nil
}

// weigh estimates the bytes that a message of protobuf takes when it is decoded.
func weigh(b []byte, m protoreflect.MessageDescriptor, depth int) (weight int, err error) {
	if depth > maxOTLPDepth {
		return 0, fmt.Errorf("more than %d messages inside one another", maxOTLPDepth)
	}
	weight = weightMessage
	err = fields(b, func(n protowire.Number, _ uint64, b []byte) error {
		field := m.Fields().ByNumber(n)
		switch {
		case field == nil:
		case b == nil:
			weight += 16
		case field.Message() != nil:
			inner, err := weigh(b, field.Message(), depth+1)
			weight += inner
			return err
		case field.Kind() == protoreflect.StringKind || field.Kind() == protoreflect.BytesKind:
			weight += 16 + len(b)
		default:
			weight += 8 * len(b) // numbers behind one another, of a byte at least
		}
		return nil
	})
	return weight, err
}

// weighJSON estimates the bytes that a message of JSON takes when it is decoded.
func weighJSON(b []byte) (weight int) {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			weight += weightMessage
		case c == ',' || c == ':':
			weight += weightJSONPart
		}
	}
	return weight + len(b)
}
