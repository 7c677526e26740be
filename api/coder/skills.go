package coder

import (
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const (
	skillsPath = "/api/experimental/users/{user}/skills"
	skillPath  = skillsPath + "/{name}"
)

func (h *Handler) registerSkills(router *mux.Router) {
	h.routes(router, []route{
		{http.MethodGet, skillsPath, h.listSkills},
		{http.MethodPost, skillsPath, h.createSkill},
		{http.MethodGet, skillPath, h.getSkill},
		{http.MethodPatch, skillPath, h.updateSkill},
		{http.MethodDelete, skillPath, h.deleteSkill},
	})
}

// skillMetadata is a skill without its text.
type skillMetadata struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// skillAnswer is a skill with its text.
type skillAnswer struct {
	skillMetadata
	Content string `json:"content"`
}

func metadataOf(s query.Skill) skillMetadata {
	return skillMetadata{
		ID: s.ID, Name: s.Name, Description: s.Description, CreatedAt: stamp(s.CreatedAt), UpdatedAt: stamp(s.UpdatedAt),
	}
}

func skillOfRow(s query.Skill) skillAnswer {
	return skillAnswer{skillMetadata: metadataOf(s), Content: s.Content}
}

func skillOfState(s commands.Skill) skillAnswer {
	return skillAnswer{
		skillMetadata: skillMetadata{
			ID: s.ID, Name: s.Name, Description: s.Description, CreatedAt: stamp(s.CreatedAt), UpdatedAt: stamp(s.UpdatedAt),
		},
		Content: s.Content,
	}
}

func (h *Handler) listSkills(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadSkills, errNotFound)
	if err != nil {
		return err
	}
	found, err := h.Queries.Skills(r.Context(), u.ID)
	if err != nil {
		return err
	}
	out := make([]skillMetadata, len(found))
	for i, s := range found {
		out[i] = metadataOf(s)
	}
	write(w, http.StatusOK, out)
	return nil
}

func (h *Handler) getSkill(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadSkills, errNotFound)
	if err != nil {
		return err
	}
	s, err := h.Queries.Skill(r.Context(), u.ID, mux.Vars(r)["name"])
	if err != nil {
		return err
	}
	write(w, http.StatusOK, skillOfRow(s))
	return nil
}

func (h *Handler) createSkill(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	return h.writeSkill(w, r, c, commands.CreateSkills, "", http.StatusCreated)
}

func (h *Handler) updateSkill(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	return h.writeSkill(w, r, c, commands.UpdateSkills, mux.Vars(r)["name"], http.StatusOK)
}

// writeSkill creates a skill when name is "".
func (h *Handler) writeSkill(w http.ResponseWriter, r *http.Request, c gate.Caller, action commands.Action, name string, status int) error {
	u, err := h.user(r, c)
	switch {
	case err != nil:
		return err
	case u.Status == events.StatusDeleted:
		return errSkillOfDeleted
	case !may(c, action, u.ID):
		return errForbidden
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	command := commands.WriteSkill{UserID: u.ID, Name: name, Content: b.text("content")}
	if err := b.err(); err != nil {
		return err
	}
	res, err := h.Commands.WriteSkill(r.Context(), gate.Request(r, c, Name), command)
	if err != nil {
		return refusedSkill(err)
	}
	h.Gate.WroteAt(w, r, u.ID, res.Position)
	write(w, status, skillOfState(res.Skill))
	return nil
}

func (h *Handler) deleteSkill(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.DeleteSkills, errNotFound)
	if err != nil {
		return err
	}
	res, err := h.Commands.DeleteSkill(r.Context(), gate.Request(r, c, Name), u.ID, mux.Vars(r)["name"])
	if err != nil {
		return refusedSkill(err)
	}
	h.Gate.WroteAt(w, r, u.ID, res.Position)
	noContent(w)
	return nil
}

var errSkillOfDeleted = refuse(http.StatusConflict, "The user is deleted and can have no skills.", "")

func refusedSkill(err error) error {
	e, ok := commands.AsError(err)
	if !ok {
		return err
	}
	switch {
	case e.Code == commands.Conflict && e.Reason == "taken":
		return refuse(http.StatusConflict, "A skill with this name already exists.", "",
			validation{Field: "name", Detail: "This value is already in use and should be unique."})
	case e.Code == commands.Precondition && e.Reason == "too-many-skills":
		return refuse(http.StatusConflict, sentence(e.Message), "")
	case e.Code == commands.Precondition && e.Reason == "deleted-user":
		return errSkillOfDeleted
	case e.Code == commands.Invalid && len(e.Fields) > 0:
		fault := e.Fields[0].Detail
		return refuse(http.StatusBadRequest, sentence(fault), "", validation{Field: e.Fields[0].Field, Detail: fault})
	default:
		return err
	}
}

// sentence makes a message of a command's words.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
