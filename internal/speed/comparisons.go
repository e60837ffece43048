package main

// The units of benchmarks, as benchfmt tidies them.
const (
	time   = "@sec/op"
	allocs = "@allocs/op"
)

// comparisons are the lines of the table. P1 to P4 are described in package
// internal/benchpod; the suffix of a name is the GOMAXPROCS of its run.
var comparisons = []comparison{
	{"Verdict on P1: PSA to podfence", "Evaluate/P1/by=psa-2" + time, "Evaluate/P1/by=podfence-2" + time, atLeast, 15},
	{"Verdict on P3: PSA to podfence", "Evaluate/P3/by=psa-2" + time, "Evaluate/P3/by=podfence-2" + time, atLeast, 15},
	{"Verdict on P2 (denied): PSA to podfence", "Evaluate/P2/by=psa-2" + time, "Evaluate/P2/by=podfence-2" + time, "", 0},
	{"Verdict on P4 (denied): PSA to podfence", "Evaluate/P4/by=psa-2" + time, "Evaluate/P4/by=podfence-2" + time, "", 0},
	{"Verdict on P1: podfence to the bare loop", "Evaluate/P1/by=podfence-2" + time, "Evaluate/P1/by=loop-2" + time, atMost, 5},
	{"Verdict on P3: podfence to the bare loop", "Evaluate/P3/by=podfence-2" + time, "Evaluate/P3/by=loop-2" + time, atMost, 2.5},
	{"Verdict on P1: allocations", "Evaluate/P1/by=podfence-2" + allocs, "", atMost, 0},
	{"Verdict on P3: allocations", "Evaluate/P3/by=podfence-2" + allocs, "", atMost, 0},
	{"Message for P2: PSA to podfence", "Message/P2/by=psa-2" + time, "Message/P2/by=podfence-2" + time, atLeast, 3},
	{"Message for P4: PSA to podfence", "Message/P4/by=psa-2" + time, "Message/P4/by=podfence-2" + time, atLeast, 3},
	{"Message for P2: allocations, podfence to PSA", "Message/P2/by=podfence-2" + allocs, "Message/P2/by=psa-2" + allocs, atMost, 0.5},
	{"Message for P4: allocations, podfence to PSA", "Message/P4/by=podfence-2" + allocs, "Message/P4/by=psa-2" + allocs, atMost, 0.5},
	{"P1 under 1,000 policies to under 1", "Set/P1/policies=1000-2" + time, "Set/P1/policies=1-2" + time, atMost, 2},
	{"P2 under 1,000 policies to under 1", "Set/P2/policies=1000-2" + time, "Set/P2/policies=1-2" + time, atMost, 2},
	{"Filling P2, with the patch: decoding it to podfence", "MutateWithPatch/P2/by=decode-2" + time, "MutateWithPatch/P2/by=podfence-2" + time, atLeast, 8},
	{"Patch of P2 without the pod: decoding it to podfence", "MutateWithPatch/P2/by=decode-2" + time, "MutateWithPatch/P2/by=plan-2" + time, atLeast, 8},
	{"Filling P2, with the patch: allocations", "MutateWithPatch/P2/by=podfence-2" + allocs, "", atMost, 12},
	{"Filling P4, with the patch: CreatePatch alone to podfence", "Patch/P4/by=createpatch-2" + time, "Patch/P4/by=podfence-2" + time, atLeast, 100},
	{"Filling P3 stripped of its security contexts, with the patch: CreatePatch alone to podfence", "Patch/P3unset/by=createpatch-2" + time, "Patch/P3unset/by=podfence-2" + time, atLeast, 100},
	{"Patch of P3 stripped so, without the pod: CreatePatch alone to podfence", "Patch/P3unset/by=createpatch-2" + time, "Patch/P3unset/by=plan-2" + time, atLeast, 100},
	{"Filling P2: podfence to DeepCopy of the pod", "Mutate/P2/by=podfence-2" + time, "Mutate/P2/by=deepcopy-2" + time, "", 0},
	{"Filling P1, which needs nothing: allocations", "Mutate/P1/by=podfence-2" + allocs, "", atMost, 0},
	{"Filling P3, which needs nothing: allocations", "Mutate/P3/by=podfence-2" + allocs, "", atMost, 0},
	{"Admit of P2, with the patch: PSA's verdict alone to podfence", "Admit/P2/by=psa-2" + time, "Admit/P2/by=podfence-2" + time, atLeast, 1},
	{"Admit of P1: PSA's verdict alone to podfence", "Admit/P1/by=psa-2" + time, "Admit/P1/by=podfence-2" + time, "", 0},
	{"Bytes in to bytes out, P1, to decoding alone: encoding/json", "Review/P1/json=encoding/do=answer-2" + time, "Review/P1/json=encoding/do=decode-2" + time, atMost, 1.15},
	{"Bytes in to bytes out, P2, to decoding alone: encoding/json", "Review/P2/json=encoding/do=answer-2" + time, "Review/P2/json=encoding/do=decode-2" + time, atMost, 1.15},
	{"Bytes in to bytes out, P3, to decoding alone: encoding/json", "Review/P3/json=encoding/do=answer-2" + time, "Review/P3/json=encoding/do=decode-2" + time, atMost, 1.15},
	{"The same for P3 stripped of its security contexts", "Review/P3unset/json=encoding/do=answer-2" + time, "Review/P3unset/json=encoding/do=decode-2" + time, atMost, 1.15},
	{"Bytes in to bytes out by package review, P1, to decoding alone: encoding/json", "Handler/P1/do=answer-2" + time, "Review/P1/json=encoding/do=decode-2" + time, atMost, 0.3},
	{"Bytes in to bytes out by package review, P2, to decoding alone: encoding/json", "Handler/P2/do=answer-2" + time, "Review/P2/json=encoding/do=decode-2" + time, atMost, 0.45},
	{"Bytes in to bytes out by package review, P3, to decoding alone: encoding/json", "Handler/P3/do=answer-2" + time, "Review/P3/json=encoding/do=decode-2" + time, atMost, 0.15},
	{"Bytes in to bytes out by package review, P4, to decoding alone: encoding/json", "Handler/P4/do=answer-2" + time, "Review/P4/json=encoding/do=decode-2" + time, atMost, 0.2},
	{"Bytes in to bytes out by package review, P3, to every token of the review by jsontext", "Handler/P3/do=answer-2" + time, "Handler/P3/do=tokens-2" + time, atMost, 2},
	{"The same for P3: allocations", "Handler/P3/do=answer-2" + allocs, "", atMost, 12},
	{"Decoding P2's review: encoding/json to sigs.k8s.io/json", "Review/P2/json=encoding/do=decode-2" + time, "Review/P2/json=sigs/do=decode-2" + time, "", 0},
	{"Decoding P3's review: encoding/json to sigs.k8s.io/json", "Review/P3/json=encoding/do=decode-2" + time, "Review/P3/json=sigs/do=decode-2" + time, "", 0},
	{"Decoding P2's review: encoding/json to go-json-experiment", "Review/P2/json=encoding/do=decode-2" + time, "Review/P2/json=experiment/do=decode-2" + time, "", 0},
	{"Decoding P3's review: encoding/json to go-json-experiment", "Review/P3/json=encoding/do=decode-2" + time, "Review/P3/json=experiment/do=decode-2" + time, "", 0},
	{"Per compliant container: 1,000 of them to 10", "Containers/compliant/containers=1000-2@sec/container", "Containers/compliant/containers=10-2@sec/container", atMost, 1.2},
	{"Per bare container, with the message: 1,000 of them to 10", "Containers/bare/containers=1000-2@sec/container", "Containers/bare/containers=10-2@sec/container", atMost, 1.2},
	{"Per container filled, with the patch: 1,000 of them to 10", "MutateContainers/containers=1000-2@sec/container", "MutateContainers/containers=10-2@sec/container", atMost, 1.2},
	{"Per hostPath volume and its mount: 1,000 of them to 10", "HostPaths/volumes=1000-2@sec/volume", "HostPaths/volumes=10-2@sec/volume", atMost, 1.2},
	{"Throughput with GOMAXPROCS=2 to that with 1", "Parallel" + time, "Parallel-2" + time, atLeast, 1.8},
}
