package coder

import (
	"net/http"

	"github.com/google/uuid"
)

type buildAnswer struct {
	ExternalURL           string `json:"external_url"`
	Version               string `json:"version"`
	DashboardURL          string `json:"dashboard_url"`
	Telemetry             bool   `json:"telemetry"`
	WorkspaceProxy        bool   `json:"workspace_proxy"`
	AgentAPIVersion       string `json:"agent_api_version"`
	ProvisionerAPIVersion string `json:"provisioner_api_version"`
	UpgradeMessage        string `json:"upgrade_message"`
	DeploymentID          string `json:"deployment_id"`
}

// buildInfo tells clients which server this is. There are no agents and no
// provisioners; their versions are those of the Coder release whose API this is.
func (h *Handler) buildInfo(w http.ResponseWriter, r *http.Request) error {
	write(w, http.StatusOK, buildAnswer{
		ExternalURL:  "https://github.com/rosterhq/roster",
		Version:      buildVersion,
		DashboardURL: h.Settings.BaseURL(r), AgentAPIVersion: "2.7", ProvisionerAPIVersion: "1.12",
		DeploymentID: deploymentID(h.Commands.DefaultOrganization()),
	})
	return nil
}

// deploymentID names the installation: it stays the same as long as its log.
func deploymentID(defaultOrganization string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("deployment of "+defaultOrganization)).String()
}
