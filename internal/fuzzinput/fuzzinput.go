// Package fuzzinput reads what fuzz targets are given: the text of a pod, and two
// bytes for a level and a version.
package fuzzinput

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"
)

// Levels has one that is no level: it means restricted, here and upstream.
var Levels = []api.Level{api.LevelRestricted, api.LevelBaseline, api.LevelPrivileged, "unknown"}

// LatestMinor stands for the version latest. Minors above the newest known one
// are asked for too.
const LatestMinor = 255

// Level is the level and version of two bytes, the level out of some.
func Level(levels []api.Level, level, minor uint8) api.LevelVersion {
	lv := api.LevelVersion{Level: levels[int(level)%len(levels)], Version: api.LatestVersion()}
	if minor != LatestMinor {
		lv.Version = api.MajorMinorVersion(1, int(minor))
	}
	return lv
}

// Pod reads a pod as the API server does: JSON by exact names, and YAML by way of
// JSON. ok is false for what the API server cannot read either.
func Pod(data []byte) (pod *corev1.Pod, ok bool) {
	if !json.Valid(data) {
		converted, err := yaml.YAMLToJSON(data)
		if err != nil {
			return nil, false
		}
		data = converted
	}
	pod = &corev1.Pod{}
	return pod, k8sjson.Unmarshal(data, pod) == nil
}
