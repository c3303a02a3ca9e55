package server

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// adminSocket is where `spillway backup` reaches the server that runs on a data
// folder. Who may open the folder's files may use it: its mode is 0600.
const adminSocket = "admin.sock"

// admin is the administration socket.
type admin struct {
	server *http.Server
	ended  sync.WaitGroup
}

func openAdmin(s *Server) (*admin, error) {
	path := filepath.Join(s.config.DataDir, adminSocket)
	// The folder is locked, so a socket that is there is left from a crash.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		// Paths of sockets are short (108 bytes on Linux). Everything else works.
		s.logger.Warn("no administration socket: back up with the server stopped", "error", err)
		return nil, nil
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /backup", s.serveBackup)
	mux.HandleFunc("POST /cluster/remove", s.serveRemove)
	mux.HandleFunc("GET /outbox", s.serveAdminOutbox)
	a := &admin{server: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}}
	a.ended.Go(func() {
		if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.logger.Error("administration socket", "error", err)
		}
	})
	return a, nil
}

func (a *admin) close() error {
	err := a.server.Close()
	a.ended.Wait()
	return err
}

// backupRequest asks for a backup into a folder of the server's machine.
type backupRequest struct {
	Dir string `json:"dir"`
}

func (s *Server) serveBackup(w http.ResponseWriter, r *http.Request) {
	var in backupRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil || !filepath.IsAbs(in.Dir) {
		http.Error(w, "need an absolute dir", http.StatusBadRequest)
		return
	}
	if err := s.store.Backup(in.Dir); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	s.logger.Info("backup", "dir", in.Dir)
}
