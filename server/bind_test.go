package server

import (
	"strings"
	"testing"
)

func TestCheckBind(t *testing.T) {
	for _, c := range []struct {
		address             string
		protected, insecure bool
		want                string // part of the error; "" for none
	}{
		{"127.0.0.1:5555", false, false, ""},
		{"127.9.9.9:5555", false, false, ""},
		{"[::1]:5555", false, false, ""},
		{"localhost:5555", false, false, ""},
		{":5555", false, false, "insecure: true"},
		{"0.0.0.0:5555", false, false, "open to the network"},
		{"[::]:5555", false, false, "open to the network"},
		{"192.0.2.1:5555", false, false, "open to the network"},
		{":5555", true, false, ""},
		{":5555", false, true, ""},
		{"5555", false, false, "want HOST:PORT"},
		{"127.0.0.1", true, true, "want HOST:PORT"},
	} {
		err := checkBind("tcp", c.address, c.protected, c.insecure, "{tls: …}")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q protected %v insecure %v: got %v, want %q", c.address, c.protected, c.insecure, err, c.want)
		}
	}
}
