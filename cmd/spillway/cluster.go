package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spillway/spillway/internal/cluster"
	"github.com/spillway/spillway/internal/server"
)

// clusterCommand is about clusters; docs/CLUSTER.md has the procedures.
type clusterCommand struct {
	Status clusterStatusCommand `cmd:"" help:"Show nodes and partitions."`
	Init   clusterInitCommand   `cmd:"" help:"Make a stopped machine's data the beginning of a cluster's."`
	Leave  clusterLeaveCommand  `cmd:"" help:"Make a stopped node's data, or a backup of it, a machine's of its own."`
	Remove clusterRemoveCommand `cmd:"" help:"Take a node that will not come back out of the cluster."`
	CA     clusterCACommand     `cmd:"" name:"ca" help:"Print the certificate that clients of --nats-listen trust."`
}

type clusterStatusCommand struct {
	configFlags
	Endpoint string `placeholder:"URL" help:"Node to ask. Default: where this configuration listens."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Run prints the cluster as a node sees it; exit code 1 if it is not healthy.
func (c *clusterStatusCommand) Run(p *process) error {
	endpoint, err := c.endpoint(p, c.Endpoint)
	if err != nil {
		return err
	}
	status, err := server.ClusterStatus(p.ctx, endpoint)
	if err != nil {
		return err
	}
	if c.JSON {
		b, err := json.MarshalIndent(status, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, string(b))
	} else {
		printStatus(p, status)
	}
	if !status.Healthy {
		return exitError(1)
	}
	return nil
}

func printStatus(p *process, s *cluster.Status) {
	state := "healthy"
	if !s.Healthy {
		state = "NOT HEALTHY"
	}
	fmt.Fprintf(p.stdout, "cluster %s, seen from %s: %s\n\n", s.Cluster, s.Node, state)
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tSTATE\tOWNS\tREPLICAS\tHEARD\tCLOCK")
	for _, n := range s.Nodes {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%v ago\t%+v\n", n.Node, n.State, n.Owns, n.Replicas,
			time.Duration(n.HeardMillis)*time.Millisecond, time.Duration(n.SkewMillis)*time.Millisecond)
	}
	fmt.Fprintln(w, "\nPARTITION\tOWNER\tEPOCH\tSEQUENCE\tLOG\tREPLICAS (role, lag, last re-seed)")
	for _, part := range s.Partitions {
		var replicas []string
		for _, r := range part.Replicas {
			text := fmt.Sprintf("%s %s %d", r.Node, r.Role, r.Lag)
			if r.Seeded != nil {
				text += " " + r.Seeded.Format(time.RFC3339)
			}
			if r.Problem != "" {
				text += " (" + r.Problem + ")"
			}
			replicas = append(replicas, text)
		}
		name, owner := fmt.Sprint(part.Partition), part.Owner
		if part.Partition == 0 {
			name = "0 catalog"
		}
		if owner == "" {
			owner = "none"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d KiB\t%s\n", name, owner, part.Epoch, part.Sequence, part.LogBytes>>10, strings.Join(replicas, "; "))
	}
	w.Flush() //nolint:errcheck // what is printed, as everywhere
}

type clusterInitCommand struct {
	Dir string `arg:"" type:"path" help:"Data folder of the machine, which must not run."`
}

// Run prepares a folder.
func (c *clusterInitCommand) Run(p *process) error {
	if err := server.InitCluster(c.Dir); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s: ready to be the first node's. Start it with --cluster and two nodes with empty folders: they copy it.\n", c.Dir)
	return nil
}

type clusterLeaveCommand struct {
	Dir string `arg:"" type:"path" help:"Data folder of a node that does not run, or a backup."`
}

// Run prepares a folder.
func (c *clusterLeaveCommand) Run(p *process) error {
	if err := server.LeaveCluster(c.Dir); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s: a machine's of its own now, with what this node had applied.\n", c.Dir)
	return nil
}

type clusterRemoveCommand struct {
	configFlags
	Node string `arg:"" name:"node" help:"Id of the node."`
}

// Run asks the node that runs on the data folder.
func (c *clusterRemoveCommand) Run(p *process) error {
	config, err := c.load(p)
	if err != nil {
		return err
	}
	if err := server.RemoveNode(p.ctx, config.DataDir, c.Node); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s is no longer part of the cluster: its replicas move to other nodes\n", c.Node)
	return nil
}

type clusterCACommand struct{ configFlags }

// Run prints the certificate.
func (c *clusterCACommand) Run(p *process) error {
	config, err := c.load(p)
	if err != nil {
		return err
	}
	text, err := server.ClusterAuthority(config)
	if err != nil {
		return err
	}
	fmt.Fprint(p.stdout, string(text))
	return nil
}
