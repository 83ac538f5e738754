// Command controlplane is a Kubernetes API without a cluster: an embedded etcd and the real
// kube-apiserver in one process, for tests and for the demo. No mock can serve kubectl apply.
//
//	controlplane -data DIR -etcd-client PORT -etcd-peer PORT -- KUBE-APISERVER-FLAGS
//
// Everything that it keeps lies in DIR, so that a second start on the same folder carries on with the same objects.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const etcdStartLimit = time.Minute

func main() {
	data := flag.String("data", "", "folder for etcd, certificates and keys")
	clientPort := flag.Int("etcd-client", 0, "port of etcd's client API on 127.0.0.1")
	peerPort := flag.Int("etcd-peer", 0, "port of etcd's peer API on 127.0.0.1")
	flag.Parse()

	apiFlags, err := prepare(*data, *clientPort, *peerPort)
	if err != nil {
		fmt.Fprintf(os.Stderr, "controlplane: %v\n", err)
		os.Exit(1)
	}

	command := app.NewAPIServerCommand()
	command.SetArgs(append(apiFlags, flag.Args()...))
	os.Exit(cli.Run(command))
}

// prepare starts etcd and answers with the API server's flags that depend on the folder.
func prepare(data string, clientPort, peerPort int) ([]string, error) {
	if data == "" || clientPort == 0 || peerPort == 0 {
		return nil, errors.New("-data, -etcd-client and -etcd-peer must be given")
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	key := filepath.Join(data, "service-accounts.key")
	if err := ensureKey(key); err != nil {
		return nil, err
	}
	client := loopback(clientPort)
	if err := startEtcd(filepath.Join(data, "etcd"), client, loopback(peerPort)); err != nil {
		return nil, err
	}
	return []string{
		"--etcd-servers=" + client.String(),
		"--cert-dir=" + filepath.Join(data, "certificates"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key,
	}, nil
}

// loopback is always TCP: etcd refuses the path of a unix socket.
func loopback(port int) url.URL {
	return url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
}

func startEtcd(folder string, client, peer url.URL) error {
	config := embed.NewConfig()
	config.Dir = folder
	config.LogLevel = "error"
	config.UnsafeNoFsync = true // what is lost with the machine is only a test's
	config.ListenClientUrls = []url.URL{client}
	config.AdvertiseClientUrls = []url.URL{client}
	config.ListenPeerUrls = []url.URL{peer}
	config.AdvertisePeerUrls = []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	server, err := embed.StartEtcd(config)
	if err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
		return nil
	case err := <-server.Err():
		return fmt.Errorf("etcd ended: %w", err)
	case <-time.After(etcdStartLimit):
		return fmt.Errorf("etcd was not ready within %s", etcdStartLimit)
	}
}

// ensureKey keeps the key of an earlier start, so that tokens signed then are still good after a restart.
func ensureKey(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
}
