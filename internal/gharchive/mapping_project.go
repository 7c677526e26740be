package gharchive

// The events about a repository as a whole.

func mapCreate(r *Record, e event, p payload) error {
	switch p.RefType {
	case "repository":
		r.is(projectType, createdAction)
		at := r.Activity.OccurredAt
		r.Activity.Entity.CreatedAt = &at
	case "branch", "tag":
		r.is(projectType, p.RefType+"_created")
	default:
		return &UnmappedError{Type: e.Type, Action: p.RefType}
	}
	r.note("ref", p.Ref)
	return nil
}

func mapDelete(r *Record, e event, p payload) error {
	switch p.RefType {
	case "branch", "tag":
		r.is(projectType, p.RefType+"_deleted")
	default:
		return &UnmappedError{Type: e.Type, Action: p.RefType}
	}
	r.note("ref", p.Ref)
	return nil
}

func mapFork(r *Record, _ event, p payload) error {
	r.is(projectType, "forked")
	if p.Forkee != nil {
		r.note("fork", p.Forkee.FullName)
	}
	return nil
}

func mapWatch(r *Record, e event, p payload) error {
	if p.Action != "started" {
		return &UnmappedError{Type: e.Type, Action: p.Action}
	}
	r.is(projectType, "starred")
	return nil
}

func mapGollum(r *Record, _ event, p payload) error {
	r.is(projectType, "documented")
	r.note("pages", len(p.Pages))
	return nil
}

func mapRelease(r *Record, e event, p payload) error {
	if p.Action != "published" {
		return &UnmappedError{Type: e.Type, Action: p.Action}
	}
	r.is(projectType, "released")
	if p.Release != nil {
		r.note("tag", p.Release.Tag)
		r.note("releaseUrl", p.Release.URL)
	}
	return nil
}

// mapMember names the new member by account id alone: metadata lies under the
// actor's key, so another person's name has no place in it.
func mapMember(r *Record, e event, p payload) error {
	if p.Action != "added" {
		return &UnmappedError{Type: e.Type, Action: p.Action}
	}
	r.is(projectType, "member_added")
	if p.Member != nil && p.Member.ID > 0 {
		r.note("memberId", p.Member.ID)
	}
	return nil
}

func mapPublic(r *Record, _ event, _ payload) error {
	r.is(projectType, "published")
	return nil
}
