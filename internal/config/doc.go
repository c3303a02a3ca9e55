// Package config is Spillway's configuration: one structure with defaults, read
// from LocalStack's environment variables, a YAML file, Spillway's environment
// variables and flags, the later ones winning.
//
// A setting exists once, as a field of Config: its YAML key is the field's tag, its
// environment variable is SPILLWAY_ and the path of keys in capitals, and its
// description in docs/config.md is the field's comment.
package config
