package hook

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// run runs one script in its own folder.
func (r *Runner) run(ctx context.Context, path string, env []string) error {
	if filepath.Ext(path) == ".py" {
		return r.runPython(ctx, path, env)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	script, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(f, path)
	if err != nil {
		return err
	}
	shell, err := interp.New(
		interp.Dir(filepath.Dir(path)),
		interp.Env(expand.ListEnviron(env...)),
		interp.StdIO(nil, r.options.Output, r.options.Output),
		interp.ExecHandlers(awslocal),
	)
	if err != nil {
		return err
	}
	return shell.Run(ctx, script)
}

var errNoPython = errors.New("there is no python3 to run it")

func (r *Runner) runPython(ctx context.Context, path string, env []string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return errNoPython
	}
	c := exec.CommandContext(ctx, python, path)
	c.Dir, c.Env, c.Stdout, c.Stderr = filepath.Dir(path), env, r.options.Output, r.options.Output
	return c.Run()
}

// awslocal stands in for LocalStack's wrapper of the aws CLI, if only that one is
// there. The endpoint is in the environment, which CLIs before 2.13 do not read.
func awslocal(next interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		h := interp.HandlerCtx(ctx)
		if args[0] != "awslocal" {
			return next(ctx, args)
		}
		if _, err := interp.LookPathDir(h.Dir, h.Env, "awslocal"); err == nil {
			return next(ctx, args)
		}
		return next(ctx, append([]string{"aws", "--endpoint-url=" + h.Env.Get("AWS_ENDPOINT_URL").String()}, args[1:]...))
	}
}
