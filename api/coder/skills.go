package coder

import (
	"net/http"
	"regexp"
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
	name, err := skillNamed(r)
	if err != nil {
		return err
	}
	s, err := h.Queries.Skill(r.Context(), u.ID, name)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, skillOfRow(s))
	return nil
}

func (h *Handler) createSkill(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.writerOf(r, c, commands.CreateSkills)
	if err != nil {
		return err
	}
	return h.writeSkill(w, r, c, commands.WriteSkill{UserID: u.ID}, http.StatusCreated)
}

func (h *Handler) updateSkill(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.writerOf(r, c, commands.UpdateSkills)
	if err != nil {
		return err
	}
	name, err := skillNamed(r)
	if err != nil {
		return err
	}
	return h.writeSkill(w, r, c, commands.WriteSkill{UserID: u.ID, Name: name}, http.StatusOK)
}

// writerOf finds the user whose skills the caller may write: itself.
func (h *Handler) writerOf(r *http.Request, c gate.Caller, action commands.Action) (query.User, error) {
	u, err := h.user(r, c)
	switch {
	case err != nil:
		return u, err
	case u.Status == events.StatusDeleted:
		return u, errSkillOfDeleted
	case !may(c, action, u.ID):
		return u, errForbidden
	default:
		return u, nil
	}
}

// skillForm keeps everything that can be no name away from log and read model.
var skillForm = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)

const longestSkillName = 256

func skillNamed(r *http.Request) (string, error) {
	name := mux.Vars(r)["name"]
	if len(name) > longestSkillName || !skillForm.MatchString(name) {
		return "", errNotFound
	}
	return name, nil
}

// writeSkill takes the text from the body.
func (h *Handler) writeSkill(w http.ResponseWriter, r *http.Request, c gate.Caller, command commands.WriteSkill, status int) error {
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	command.Content = b.text("content")
	if err := b.err(); err != nil {
		return err
	}
	res, err := h.Commands.WriteSkill(r.Context(), gate.Request(r, c, Name), command)
	if err != nil {
		return refusedSkill(err)
	}
	h.Gate.WroteAt(w, r, command.UserID, res.Position)
	write(w, status, skillOfState(res.Skill))
	return nil
}

func (h *Handler) deleteSkill(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.DeleteSkills, errNotFound)
	if err != nil {
		return err
	}
	name, err := skillNamed(r)
	if err != nil {
		return err
	}
	res, err := h.Commands.DeleteSkill(r.Context(), gate.Request(r, c, Name), u.ID, name)
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
		return refuse(http.StatusConflict, "A skill with this name already exists.", "", inUse)
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
