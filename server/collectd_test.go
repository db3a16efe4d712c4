package server

import (
	"fmt"
	"net"
	"os"
	"os/exec"
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

// TestCollectdTraffic takes what collectd's own generator sends.
func TestCollectdTraffic(t *testing.T) {
	program, err := exec.LookPath("collectd-tg")
	if err != nil {
		t.Skip("collectd-tg is not installed")
	}
	s := serve(t, `listen.collectd("127.0.0.1:0");`+httpDoor)
	_, port, err := net.SplitHostPort(s.Addr("collectd").String())
	if err != nil {
		t.Fatal(err)
	}
	tg := exec.CommandContext(t.Context(), program, "-n", "200", "-H", "10", "-i", "1", "-d", "127.0.0.1", "-D", port)
	if err := tg.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		tg.Process.Kill()
		tg.Wait()
	}()
	until(t, "its values are in the index", func() bool { return s.index.Len() >= 100 })
	if n := s.refused("collectd", "decode"); n != 0 {
		t.Errorf("%v packets refused", n)
	}
}
