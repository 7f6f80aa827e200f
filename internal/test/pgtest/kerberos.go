//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Realm is that of a Kerberos.
const Realm = "PGSNIFF.TEST"

// Kerberos is a running key distribution center (KDC) of MIT's, on loopback and with all
// its files in a directory of its own.
type Kerberos struct {
	Keytab string // the keys of postgres/localhost, for krb_server_keyfile

	dir  string
	port int
}

// StartKerberos runs a KDC until the test ends, with the principal postgres/localhost for
// servers. From then on the test's environment names its configuration, also for servers
// that Start starts. Without the programs the test is skipped, or fails if CI=true.
func StartKerberos(t *testing.T) *Kerberos {
	t.Helper()
	for _, name := range []string{"krb5kdc", "kdb5_util", "kadmin.local", "kinit"} {
		systemTool(t, name)
	}
	dir, err := os.MkdirTemp("", "pgtest-krb5-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	k := &Kerberos{dir: dir, Keytab: filepath.Join(dir, "server.keytab")}
	t.Setenv("KRB5_CONFIG", filepath.Join(dir, "krb5.conf"))
	t.Setenv("KRB5_KDC_PROFILE", filepath.Join(dir, "kdc.conf"))
	t.Setenv("KRB5CCNAME", "FILE:"+filepath.Join(dir, "tickets"))
	t.Setenv("KRB5RCACHENAME", "none:") // which would be kept beyond the test
	k.configure(t)
	k.tool(t, "kdb5_util", "create", "-s", "-r", Realm, "-P", "secret")
	k.addPrincipal(t, "postgres/localhost", k.Keytab)
	// Servers run as another user, who reads the configuration and these keys.
	if err := serverOwner().chown(k.Keytab); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for try := 1; ; try++ {
		if err = k.run(t); err == nil {
			return k
		}
		if try == 5 {
			t.Fatalf("krb5kdc: %v", err)
		}
		k.configure(t) // the port was taken meanwhile
	}
}

// configure writes the configuration with a port that is free.
func (k *Kerberos) configure(t *testing.T) {
	t.Helper()
	var err error
	if k.port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	k.write(t, "krb5.conf", fmt.Sprintf(`[libdefaults]
	default_realm = %[1]s
	dns_lookup_realm = false
	dns_lookup_kdc = false
	dns_canonicalize_hostname = false
	rdns = false
[realms]
	%[1]s = {
		kdc = 127.0.0.1:%[2]d
	}
[domain_realm]
	localhost = %[1]s
`, Realm, k.port))
	k.write(t, "kdc.conf", fmt.Sprintf(`[realms]
	%s = {
		database_name = %[2]s/principal
		key_stash_file = %[2]s/stash
		acl_file = %[2]s/acl
		kdc_listen = 127.0.0.1:%[3]d
		kdc_tcp_listen = 127.0.0.1:%[3]d
	}
[logging]
	kdc = FILE:%[2]s/kdc.log
	admin_server = FILE:%[2]s/admin.log
	default = FILE:%[2]s/log
`, Realm, k.dir, k.port))
}

func (k *Kerberos) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run starts the KDC and waits until it listens.
func (k *Kerberos) run(t *testing.T) error {
	t.Helper()
	lifelineEnd, lifeline, err := os.Pipe()
	if err != nil {
		return err
	}
	defer lifelineEnd.Close()
	cmd := exec.Command("/bin/sh", "-c", guard, "pgtest", systemTool(t, "krb5kdc"), "-n", "-r", Realm)
	cmd.ExtraFiles = []*os.File{lifelineEnd}
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	stop := func() { lifeline.Close(); <-exited }
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		select {
		case <-exited:
			lifeline.Close()
			log, _ := os.ReadFile(filepath.Join(k.dir, "kdc.log"))
			return fmt.Errorf("it exited:\n%s", log)
		default:
		}
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", k.port)); err == nil {
			_ = conn.Close()
			t.Cleanup(stop)
			return nil
		}
		if time.Now().After(deadline) {
			stop()
			return errors.New("it does not listen")
		}
	}
}

// addPrincipal makes a principal whose keys go into a file.
func (k *Kerberos) addPrincipal(t *testing.T, name, keytab string) {
	t.Helper()
	k.tool(t, "kadmin.local", "-r", Realm, "-q", "addprinc -randkey "+name)
	k.tool(t, "kadmin.local", "-r", Realm, "-q", "ktadd -k "+keytab+" "+name)
}

// Login makes a principal and gets a ticket for it, with which programs of the test's
// environment connect.
func (k *Kerberos) Login(t *testing.T, name string) {
	t.Helper()
	keytab := filepath.Join(k.dir, "client.keytab")
	k.addPrincipal(t, name, keytab)
	k.tool(t, "kinit", "-k", "-t", keytab, name+"@"+Realm)
}

func (k *Kerberos) tool(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(systemTool(t, name), args...).CombinedOutput()
	// kadmin.local succeeds even where what it was asked for fails.
	if err != nil || strings.Contains(string(out), "while ") {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// systemTool is Tool for programs that may be where only root's PATH leads.
func systemTool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path := filepath.Join(dir, name); isExecutable(path) {
			return path
		}
	}
	return Tool(t, name)
}
