package collectd

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
)

// Level is how a packet is protected.
type Level uint8

// The levels, the weaker ones first.
const (
	Plain Level = iota
	Signed
	Encrypted
)

// String names the level in a sentence.
func (l Level) String() string { return [...]string{"plain", "signed", "encrypted"}[min(l, Encrypted)] }

// Security says what a packet must have, and which passwords there are.
type Security struct {
	Need      Level
	Passwords map[string]string // by user
}

// ReadAuthFile reads passwords in the form of collectd's AuthFile: a line for each user, "user: password"; lines
// that begin with # are left out.
func ReadAuthFile(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read passwords: %w", err)
	}
	defer f.Close()
	passwords := map[string]string{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		user, password, ok := strings.Cut(line, ":")
		user, password = strings.TrimSpace(user), strings.TrimSpace(password)
		if !ok || user == "" || password == "" {
			return nil, fmt.Errorf("read passwords %s: line %d: want user: password", name, n)
		}
		passwords[user] = password
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read passwords %s: %w", name, err)
	}
	return passwords, nil
}

// verify checks a signature over the rest of the packet. Where no password is known and none is needed, the packet is
// taken as a plain one.
func (s *Security) verify(body, rest []byte) (verified bool, reason string) {
	if len(body) <= sha256.Size {
		return false, fmt.Sprintf("a signature of %d bytes, want more than %d", len(body), sha256.Size)
	}
	mac, user := body[:sha256.Size], body[sha256.Size:]
	password, known := s.Passwords[string(user)]
	if !known {
		if s.Need == Plain {
			return false, ""
		}
		return false, fmt.Sprintf("signed by the unknown user %.64q", user)
	}
	h := hmac.New(sha256.New, []byte(password))
	h.Write(user)
	h.Write(rest)
	if !hmac.Equal(mac, h.Sum(nil)) {
		return false, fmt.Sprintf("the signature of user %.64q is wrong", user)
	}
	return true, ""
}

// decrypt returns the parts inside an encrypted part.
func (s *Security) decrypt(body []byte) (plain []byte, reason string) {
	if len(body) < 2 {
		return nil, "no user"
	}
	n := int(binary.BigEndian.Uint16(body))
	if len(body) < 2+n+aes.BlockSize+sha1.Size {
		return nil, fmt.Sprintf("%d bytes with a user of %d, want at least %d", len(body), n, 2+n+aes.BlockSize+sha1.Size)
	}
	user, iv, data := body[2:2+n], body[2+n:2+n+aes.BlockSize], body[2+n+aes.BlockSize:]
	password, known := s.Passwords[string(user)]
	if !known {
		return nil, fmt.Sprintf("encrypted by the unknown user %.64q", user)
	}
	key := sha256.Sum256([]byte(password))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err.Error()
	}
	plain = make([]byte, len(data))
	//lint:ignore SA1019 the protocol is older than the advice
	cipher.NewOFB(block, iv).XORKeyStream(plain, data)
	sum := sha1.Sum(plain[sha1.Size:])
	if subtle.ConstantTimeCompare(sum[:], plain[:sha1.Size]) != 1 {
		return nil, fmt.Sprintf("the password of user %.64q does not fit", user)
	}
	return plain[sha1.Size:], ""
}
