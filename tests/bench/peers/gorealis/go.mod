module bench/gorealis

go 1.16

require (
	github.com/aurora-scheduler/gorealis/v2 v2.22.3-0.20210302005225-983bf44b9f09
	sigs.k8s.io/yaml v1.4.0
)
