package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// settings come from Consul KV.
type settings struct {
	Greeting string `json:"greeting"`
}

// inputs are the files that Nomad renders for the task.
type inputs struct {
	mutex    sync.RWMutex
	settings settings
	digest   string
}

// read takes both files anew; what was read before stays in force when either cannot be read.
func (in *inputs) read() error {
	var settings settings
	if err := load(inFolder("NOMAD_TASK_DIR", "local", "settings.json"), &settings); err != nil {
		return err
	}
	var secret map[string]string
	path := inFolder("NOMAD_SECRETS_DIR", "secrets", "web.json")
	if err := load(path, &secret); err != nil {
		return err
	}
	if secret["key"] == "" {
		return fmt.Errorf("%s: has no key", path)
	}
	sum := sha256.Sum256([]byte(secret["key"]))
	in.mutex.Lock()
	defer in.mutex.Unlock()
	in.settings, in.digest = settings, hex.EncodeToString(sum[:6])
	return nil
}

// shown are the greeting, and a digest that proves the secret without telling it.
func (in *inputs) shown() (greeting, digest string) {
	in.mutex.RLock()
	defer in.mutex.RUnlock()
	return in.settings.Greeting, in.digest
}

func load(path string, into any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s: not the JSON expected", path) // the decoder's own text may quote the secret
	}
	return nil
}

func inFolder(variable, otherwise, file string) string {
	if folder := os.Getenv(variable); folder != "" {
		return filepath.Join(folder, file)
	}
	return filepath.Join(otherwise, file)
}
