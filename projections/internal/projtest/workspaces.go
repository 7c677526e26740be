package projtest

import (
	"fmt"

	"github.com/rosterhq/roster/events"
)

func (h *History) workspace(user string, n uint64) events.Draft {
	id, text := UUID(5, n), fmt.Sprintf("space-%d", h.serial)
	grantee := events.Grantee{User: user}
	if n%2 == 0 {
		grantee = events.Grantee{Group: UUID(6, n%10)}
	}
	switch h.rand.IntN(8) {
	case 0:
		return h.Draft(id, &events.WorkspaceUpdated{Name: &text, Owner: &user})
	case 1, 2:
		return h.Draft(id, &events.WorkspacePermissionGranted{Grantee: grantee, Role: events.WorkspaceReadWrite})
	case 3:
		return h.Draft(id, &events.WorkspacePermissionRevoked{Grantee: grantee})
	case 4:
		return h.Draft(id, &events.WorkspaceDeleted{})
	default:
		return h.Draft(id, &events.WorkspaceCreated{Number: int64(n), Name: text, Owner: user, Locations: []string{"eu"}})
	}
}

func (h *History) group(user string, n uint64) events.Draft {
	id, text := UUID(6, n), fmt.Sprintf("group-%d", h.serial)
	switch h.rand.IntN(8) {
	case 0:
		return h.Draft(id, &events.GroupRenamed{Name: text})
	case 1, 2:
		return h.Draft(id, &events.GroupMemberAdded{User: user})
	case 3:
		return h.Draft(id, &events.GroupMemberRemoved{User: user})
	case 4:
		return h.Draft(id, &events.GroupDeleted{})
	default:
		return h.Draft(id, &events.GroupCreated{Number: int64(n), Name: text})
	}
}
