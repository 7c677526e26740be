package codimir

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/query"
)

func (h *Handler) getProfile(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	ctx := r.Context()
	u, err := h.Queries.User(ctx, query.UserRef{ID: c.UserID()})
	if err != nil {
		return fmt.Errorf("read profile: %w", err)
	}
	answer := profileOf(u)
	stored, err := h.Queries.Preferences(ctx, u.ID, dialect)
	switch {
	case errors.Is(err, query.ErrNotFound): // never saved
	case err != nil:
		return fmt.Errorf("read preferences: %w", err)
	default:
		short := settings(stored.Values).short(u.Language)
		answer.Preferences = &short
	}
	if wanted := r.URL.Query().Get("counts"); wanted == "true" || wanted == "1" {
		n, err := h.Queries.Counts(ctx, u.ID)
		if err != nil {
			return fmt.Errorf("read counts: %w", err)
		}
		answer.Counts = countsOf(n)
	}
	return writeData(w, answer)
}

func (h *Handler) putProfile(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	m, err := readMembers(w, r)
	if err != nil {
		return err
	}
	change, err := parseProfile(m)
	if err != nil {
		return err
	}
	change.UserID = c.UserID()
	result, err := h.Commands.UpdateUser(r.Context(), gate.Request(r, c, dialect), change)
	if err != nil {
		return fmt.Errorf("update profile: %w", err)
	}
	h.Gate.Wrote(w, r, result)
	return writeData(w, updatedProfileOf(result.User))
}

func (h *Handler) getPreferences(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.Queries.User(r.Context(), query.UserRef{ID: c.UserID()})
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	stored, err := h.Queries.Preferences(r.Context(), u.ID, dialect)
	if errors.Is(err, query.ErrNotFound) {
		stored, err = query.Preferences{CreatedAt: u.CreatedAt, UpdatedAt: u.CreatedAt}, nil
	}
	if err != nil {
		return fmt.Errorf("read preferences: %w", err)
	}
	return writeData(w, settings(stored.Values).record(u.ID, u.Language, stored.CreatedAt, stored.UpdatedAt))
}

func (h *Handler) putPreferences(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	m, err := readMembers(w, r)
	if err != nil {
		return err
	}
	change, err := parsePreferences(m)
	if err != nil {
		return err
	}
	change.UserID = c.UserID()
	result, err := h.Commands.UpdatePreferences(r.Context(), gate.Request(r, c, dialect), change)
	if err != nil {
		return fmt.Errorf("update preferences: %w", err)
	}
	h.Gate.Wrote(w, r, result)
	u := result.User
	stored, ok := u.Preferences[dialect]
	if !ok {
		stored.CreatedAt, stored.UpdatedAt = u.CreatedAt, u.CreatedAt
	}
	return writeData(w, settings(stored.Values).record(u.ID, u.Language, stored.CreatedAt, stored.UpdatedAt))
}

func (h *Handler) getActivity(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	asked, err := parseFeedQuery(r.URL.Query())
	if err != nil {
		return err
	}
	total, err := h.Queries.ActivityTotal(r.Context(), c.UserID(), asked.types)
	if err != nil {
		return fmt.Errorf("count activity: %w", err)
	}
	items := []activity{}
	if offset, within := asked.offset(total); within {
		page, err := h.Queries.Activities(r.Context(), query.ActivityFilter{
			UserID: c.UserID(), Types: asked.types, Limit: int(asked.limit), Offset: int(offset),
		})
		if err != nil {
			return fmt.Errorf("read activity: %w", err)
		}
		for _, a := range page.Items {
			items = append(items, activityOf(a))
		}
	}
	p := asked.pagination(total)
	return writeJSON(w, http.StatusOK, success{Data: items, Pagination: &p})
}

func (h *Handler) getStats(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	period, err := parsePeriod(r.URL.Query())
	if err != nil {
		return err
	}
	s, err := h.Queries.Statistics(r.Context(), c.UserID(), period, h.Clock())
	if err != nil {
		return fmt.Errorf("read statistics: %w", err)
	}
	return writeData(w, statsOf(s))
}
