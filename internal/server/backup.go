package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/stream"
)

// Backup copies a data folder to dest, a consistent copy that is itself a data
// folder. A server that runs on the folder makes the copy itself, without pause;
// otherwise the folder is opened for it.
func Backup(ctx context.Context, dataDir, dest string) error {
	dest, err := filepath.Abs(dest)
	if err != nil {
		return err
	}
	// Opened for writing, since a checkpoint first flushes the log; but never made.
	if _, err := os.Stat(dataDir); err != nil {
		return err
	}
	st, err := store.Open(store.Options{Dir: dataDir})
	if errors.Is(err, store.ErrLocked) {
		return requestBackup(ctx, filepath.Join(dataDir, adminSocket), dest)
	}
	if err != nil {
		return err
	}
	defer st.Close()
	return st.Backup(dest)
}

func requestBackup(ctx context.Context, socket, dest string) error {
	client := socketClient(socket)
	defer client.CloseIdleConnections()
	body, err := json.Marshal(backupRequest{Dir: dest})
	if err != nil {
		return err
	}
	return post(ctx, client, "http://spillway/backup", body)
}

// socketClient speaks to an administration socket.
func socketClient(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
}

// Check opens a data folder that no server uses and verifies everything in it. It
// returns what is wrong in words; an error means that it could not look.
func Check(_ context.Context, dataDir string) ([]string, error) {
	st, err := store.Open(store.Options{Dir: dataDir, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	return st.Check(partition.Check, catalog.Check, queue.Check, stream.Check), nil
}

// post sends a request to an administration socket.
func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server refused: %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return nil
}
