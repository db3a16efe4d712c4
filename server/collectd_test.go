package server

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestCollectdDoor(t *testing.T) {
	passwords := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(passwords, []byte("web1: secret one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, fmt.Sprintf(`listen.collectd("127.0.0.1:0", {security: "encrypt", authFile: %q, tags: ["collectd"]}); expire({every: "1h"});`, passwords)+httpDoor)
	for _, name := range []string{"plain_1", "encrypted_1", "encrypted_3", "encrypted_2"} {
		b, err := os.ReadFile("../collectd/testdata/" + name + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		s.say("collectd", "udp", string(b))
	}
	s.say("collectd", "udp", "nonsense")
	s.arrives(`service = "load/load/shortterm"`, `"host":"web1.example.com"`, `"ds_name":"shortterm"`, `"ttl":2.0`, `"tags":["collectd"]`)
	s.arrives(`tagged "notification"`, `"state":"critical"`, `"description":"disk"`)
	until(t, "the refusals are counted", func() bool {
		return s.refused("collectd", "security") == 1 && s.refused("collectd", "decode") == 1
	})
}
