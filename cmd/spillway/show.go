package main

import "fmt"

type configCommand struct {
	Show configShowCommand `cmd:"" help:"Print the configuration in force, without secrets."`
}

type configShowCommand struct {
	configFlags
	Sources bool `help:"Say where each setting comes from."`
}

// Run prints the configuration.
func (s *configShowCommand) Run(p *process) error {
	c, err := s.load(p)
	if err != nil {
		return err
	}
	text := c.String()
	if s.Sources {
		if text, err = c.WithSources(); err != nil {
			return err
		}
	}
	fmt.Fprint(p.stdout, text)
	return nil
}
