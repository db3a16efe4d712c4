package wire

import (
	"testing"
)

// TestAwkward reads legal and illegal oddities; the legal ones as protobuf-go does.
func TestAwkward(t *testing.T) {
	used := NewDecoder(Limits{})
	for _, tt := range awkward {
		var got Msg
		err := used.Decode(&got, []byte(tt.payload))
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: %x: error %v, want %s", tt.name, tt.payload, err, tt.err)
			}
			if len(got.Events) != 0 {
				t.Errorf("%s: %d events beside an error", tt.name, len(got.Events))
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %x: %v", tt.name, tt.payload, err)
			continue
		}
		want, err := oracle([]byte(tt.payload))
		if err != nil {
			if used.Stats.States == 0 {
				t.Errorf("%s: protobuf-go says %v", tt.name, err)
			}
			used.Stats.States = 0
			continue
		}
		if d := difference(&got, want); d != "" {
			t.Errorf("%s: %s: got %+v, want %+v", tt.name, d, got, want)
		}
		slowly(t, []byte(tt.payload), &got)
		roundTrip(t, want)
	}
}
