// Package launch runs ordo on clusters: an [Array] of tasks as job arrays of Slurm, or as an Indexed Job of Kubernetes.
//
// It submits and returns. How far the work is, and that nothing is done twice, is the matter of what the tasks run:
// trials of a sweep, shards of an embedding, evaluations. A task that Slurm warns of its end (SIGUSR1, some time
// before) stops with the exit status 75, and may put itself back into the queue ([Requeue]); a pod with this status is
// replaced.
package launch
