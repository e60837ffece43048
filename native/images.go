package native

import "github.com/podfence/podfence/policy"

// imageOf is the image of a container c in the form in which policy.ImageForm writes
// the images of a policy; empty for text that no runtime reads as a reference.
var imageOf = let("text", "c.?image.orValue('')", let("at", "text.indexOf('@')", let("digest", "at < 0 ? '' : text.substring(at)", let("name", "at < 0 ? text : text.substring(0, at)",
	let("colon", "name.lastIndexOf(':')", let("tagged", "colon >= 0 && name.indexOf('/', colon) < 0", let("tag", "tagged ? name.substring(colon) : ':latest'", let("name", "tagged ? name.substring(0, colon) : name",
		let("slash", "name.indexOf('/')", let("owned", "slash >= 0 && name.substring(0, slash).matches('[.:A-Z]|^localhost$')",
			let("registry", "owned ? name.substring(0, slash) : 'docker.io'", let("registry", "registry == 'index.docker.io' ? 'docker.io' : registry",
				let("path", "owned ? name.substring(slash + 1) : name", let("path", "registry == 'docker.io' && !path.contains('/') ? 'library/' + path : path",
					"tag.matches("+quote("^:"+policy.ImageTagPattern+"$")+") && (at < 0 || digest.matches("+quote("^@"+policy.ImageDigestPattern+"$")+")) && "+
						"(tagged || at >= 0 || !name.matches('^[0-9a-f]{64}$')) && (registry + '/' + path).matches("+quote("^"+policy.ImageRegistryPattern+"/"+policy.ImagePathPattern+"$")+") && registry.size() + 1 + path.size() <= 255 ? "+
						"registry + '/' + path + (at < 0 ? tag : digest) : ''"))))))))))))))
