// Compares every job of a folder with the cluster, as a user of gorealis would write it.
//
//	gorealis URL FOLDER job     one RPC a job: the config of its first instance
//	gorealis URL FOLDER role    one RPC a role: the configs of all its jobs
//
// One file a job, in YAML: role, environment, name, instances, and the config as Aurora tells it.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	realis "github.com/aurora-scheduler/gorealis/v2"
	"github.com/aurora-scheduler/gorealis/v2/gen-go/apache/aurora"
	"sigs.k8s.io/yaml"
)

type job struct {
	Role        string             `json:"role"`
	Environment string             `json:"environment"`
	Name        string             `json:"name"`
	Instances   int32              `json:"instances"`
	Config      *aurora.TaskConfig `json:"config"`
}

func (j job) key() aurora.JobKey {
	return aurora.JobKey{Role: j.Role, Environment: j.Environment, Name: j.Name}
}

func main() {
	url, folder, each := os.Args[1], os.Args[2], os.Args[3]
	client, err := realis.NewClient(
		realis.SchedulerUrl(url), realis.ThriftBinary(), realis.SetLogger(realis.NoopLogger{}))
	if err != nil {
		log.Fatal(err)
	}
	jobs := declared(folder)
	live := byJob
	if each == "role" {
		live = byRole
	}
	differ := 0
	for i, config := range live(client, jobs) {
		if !jobs[i].Config.Equals(config) {
			differ++
		}
	}
	fmt.Printf("%d jobs, %d differ\n", len(jobs), differ)
}

func declared(folder string) []job {
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		log.Fatal(err)
	}
	jobs := make([]job, len(paths))
	for i, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			log.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(data, &jobs[i]); err != nil {
			log.Fatalf("%s: %v", path, err)
		}
	}
	return jobs
}

func byJob(client *realis.Client, jobs []job) []*aurora.TaskConfig {
	found := make([]*aurora.TaskConfig, len(jobs))
	for i, j := range jobs {
		key := j.key()
		config, err := client.FetchTaskConfig(aurora.InstanceKey{JobKey: &key, InstanceId: 0})
		if err != nil {
			log.Fatal(err)
		}
		found[i] = config
	}
	return found
}

func byRole(client *realis.Client, jobs []job) []*aurora.TaskConfig {
	roles := map[string]map[aurora.JobKey]*aurora.TaskConfig{}
	found := make([]*aurora.TaskConfig, len(jobs))
	for i, j := range jobs {
		if roles[j.Role] == nil {
			told, err := client.GetJobs(j.Role)
			if err != nil {
				log.Fatal(err)
			}
			roles[j.Role] = map[aurora.JobKey]*aurora.TaskConfig{}
			for _, config := range told.GetConfigs() {
				if config.GetInstanceCount() == j.Instances {
					roles[j.Role][*config.GetKey()] = config.GetTaskConfig()
				}
			}
		}
		found[i] = roles[j.Role][j.key()]
	}
	return found
}
