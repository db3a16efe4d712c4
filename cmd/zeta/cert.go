package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zeta/tls"
)

var certCommand = &command{
	name:    "cert",
	args:    "server HOST… | client NAME",
	summary: "make certificates for TLS, where there is no authority of one's own",
	doc: `Makes a key and a certificate in a directory, signed by the authority there (ca.pem and ca.key), which is made with the
first one. server makes server.pem and server.key for the names and addresses by which the server is reached; client makes
NAME.pem and NAME.key for one sender. The authority's key signs further ones: keep it from everybody else, best on another
machine. The authority is valid for ten years, a certificate for --days.

A server that is given ca.pem as clientCA lets nobody in whose certificate is not of this authority.`,
	example: `zeta cert server mon1.example.com 10.0.0.7 --dir certs
zeta cert client web1 --dir certs
zeta send --addr mon1.example.com:5554 --ca certs/ca.pem --cert certs/web1.pem --key certs/web1.key --service up`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		dir := fs.String("dir", ".", "`DIRECTORY` of the files")
		days := fs.Int("days", 365, "how many `DAYS` the certificate is valid")
		return func(c *cli, args []string) error {
			switch {
			case *days < 1 || *days > 3650:
				return usagef("--days %d: want 1 to 3650", *days)
			case len(args) >= 2 && args[0] == "server":
				return issue(c, *dir, "server", tls.Request{Name: args[1], Hosts: args[1:], Server: true, NotAfter: time.Now().AddDate(0, 0, *days)})
			case len(args) == 2 && args[0] == "client":
				if args[1] == "ca" || args[1] == "server" || strings.ContainsAny(args[1], `/\`) || strings.HasPrefix(args[1], ".") {
					return usagef("%q cannot be a client's name: it names the files", args[1])
				}
				return issue(c, *dir, args[1], tls.Request{Name: args[1], Hosts: args[1:], Client: true, NotAfter: time.Now().AddDate(0, 0, *days)})
			}
			return usagef("want server with at least one host, or client with a name")
		}
	},
}

// issue writes NAME.pem and NAME.key into dir.
func issue(c *cli, dir, name string, r tls.Request) error {
	certFile, keyFile := filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	for _, f := range []string{certFile, keyFile} {
		if _, err := os.Lstat(f); err == nil {
			return fmt.Errorf("%s is there already; it is not written over: move it away, or take another --dir", f)
		}
	}
	ca, err := authority(c, dir)
	if err != nil {
		return err
	}
	cert, key, err := ca.Issue(r)
	if err != nil {
		return err
	}
	if err := tls.WriteFile(keyFile, key, true); err != nil {
		return err
	}
	if err := tls.WriteFile(certFile, cert, false); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s and %s, until %s\n", certFile, keyFile, r.NotAfter.Format(time.DateOnly))
	return nil
}

// authority loads the authority of a directory, or makes one where there is none.
func authority(c *cli, dir string) (*tls.Authority, error) {
	certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key")
	_, err := os.Stat(certFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return tls.LoadAuthority(certFile, keyFile)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ca, err := tls.NewAuthority("zeta " + time.Now().Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	key, err := ca.KeyPEM()
	if err != nil {
		return nil, err
	}
	if err := tls.WriteFile(keyFile, key, true); err != nil {
		return nil, err
	}
	if err := tls.WriteFile(certFile, ca.PEM(), false); err != nil {
		return nil, err
	}
	fmt.Fprintf(c.out, "%s and %s: a new authority\n", certFile, keyFile)
	return ca, nil
}
