package importer

import (
	"context"
	"slices"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
)

// send records one batch. Activities of users whom the server does not know are
// rejected at first; then the users are made, and they are sent a second time.
func (i *Importer) send(ctx, work context.Context, b batch, counts *Counts) error {
	unsure := i.people.unknown(b.people()) // before: others may be made meanwhile
	first, err := i.opts.Server.Record(work, b.lines())
	if err != nil {
		return err
	}
	rejected := len(b) - first.Accepted - first.Duplicates
	if rejected == 0 {
		i.people.know(b.people())
		counts.New += first.Accepted
		counts.Duplicates += first.Duplicates
		return nil
	}

	// The server lists the first hundred. With all of them before us, only the
	// listed ones go again; else the whole batch does, since what was kept is
	// a duplicate the second time.
	listed := indexes(first.Rejected)
	again := b
	if len(listed) == rejected {
		again = b.pick(listed)
		i.people.know(b.without(listed).people())
	}
	missing := among(unsure, again.people())
	if len(missing) == 0 {
		i.refuse(b, first, rejected)
		counts.add(len(b), first.Accepted, rejected)
		return nil
	}
	made, err := i.people.ensure(ctx, work, missing)
	if err != nil {
		counts.add(len(b)-rejected, first.Accepted, 0)
		return err
	}
	i.learn(made, len(unsure))

	second, err := i.opts.Server.Record(work, again.lines())
	if err != nil {
		counts.add(len(b)-rejected, first.Accepted, 0)
		return err
	}
	rejected = len(again) - second.Accepted - second.Duplicates
	i.refuse(again, second, rejected)
	counts.add(len(b), first.Accepted+second.Accepted, rejected)
	return nil
}

// add counts items of which some were new and some refused; the others were
// there already.
func (c *Counts) add(items, added, rejected int) {
	c.New += added
	c.Rejected += rejected
	c.Duplicates += items - added - rejected
}

// refuse tells of rejected items. Where a user could not be made, that is the
// reason that helps.
func (i *Importer) refuse(b batch, answer client.Recorded, rejected int) {
	for _, r := range answer.Rejected {
		item := b[r.Index]
		message := r.Message
		for _, p := range item.People {
			if err := i.people.failure(p.Identity); err != nil {
				message = "the user " + p.Login + " could not be made: " + err.Error()
			}
		}
		i.opts.Rejected(Rejection{Origin: item.Origin, Code: r.Code, Message: message})
	}
	for range rejected - len(answer.Rejected) {
		i.opts.Rejected(Rejection{Origin: b[0].Origin, Code: "not-listed", Message: "one of the activities that follow; the server lists a hundred at a time"})
	}
}

func (b batch) lines() [][]byte {
	lines := make([][]byte, len(b))
	for n := range b {
		lines[n] = b[n].Activity
	}
	return lines
}

func indexes(rejected []client.Rejected) []int {
	list := make([]int, len(rejected))
	for n, r := range rejected {
		list[n] = r.Index
	}
	return list
}

func (b batch) pick(indexes []int) batch {
	picked := make(batch, len(indexes))
	for n, index := range indexes {
		picked[n] = b[index]
	}
	return picked
}

func (b batch) without(indexes []int) batch {
	rest := make(batch, 0, len(b))
	for n := range b {
		if !slices.Contains(indexes, n) {
			rest = append(rest, b[n])
		}
	}
	return rest
}

// among returns those of list who are in others.
func among(list, others []Person) []Person {
	wanted := make(map[client.Identity]bool, len(others))
	for _, p := range others {
		wanted[p.Identity] = true
	}
	var both []Person
	for _, p := range list {
		if wanted[p.Identity] {
			both = append(both, p)
		}
	}
	return both
}

// people returns everybody whom the batch names, each once, in order.
func (b batch) people() []Person {
	seen := make(map[client.Identity]struct{}, len(b))
	var list []Person
	for _, item := range b {
		for _, p := range item.People {
			if _, twice := seen[p.Identity]; twice {
				continue
			}
			seen[p.Identity] = struct{}{}
			list = append(list, p)
		}
	}
	return list
}
