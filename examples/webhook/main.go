// Command webhook is an admission controller that embeds podfence: it fills in
// what the authors of pods left unset, and refuses what its policies do not
// allow. See README.md for how to install, roll out and operate it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
	admissionapi "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/api"
	controllerruntime "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/podfence/podfence/examples/webhook/internal/admission"
	"github.com/podfence/podfence/examples/webhook/internal/cluster"
	"github.com/podfence/podfence/examples/webhook/internal/limits"
	"github.com/podfence/podfence/examples/webhook/internal/policies"
	"github.com/podfence/podfence/examples/webhook/internal/server"
)

// options are the flags.
type options struct {
	policies string

	labelPrefix                             string
	defaultLevel, defaultAudit, defaultWarn string
	exemptNamespaces, exemptUsers           string
	exemptRuntimeClasses                    string
	mutate, warnOnMutation                  bool

	server                     server.Options
	maxStaleness               time.Duration
	metricsAddress, healthAddr string
	shutdownTimeout            time.Duration
	limits                     limits.Limits
	log                        zap.Options
}

// shutdownTimeout, with the sleep before it, fits into the Deployment's grace period.
const shutdownTimeout = 25 * time.Second

func (o *options) bind(flags *flag.FlagSet) {
	flags.StringVar(&o.policies, "policies", "", "directory of policy files; none: no exceptions")
	flags.StringVar(&o.labelPrefix, "label-prefix", "podfence.dev/", "prefix of the namespace labels enforce, audit, warn and their -version")
	flags.StringVar(&o.defaultLevel, "default-level", "privileged", "level enforced in namespaces without a label, as LEVEL or LEVEL:VERSION")
	flags.StringVar(&o.defaultAudit, "default-audit-level", "privileged", "the same for audit annotations")
	flags.StringVar(&o.defaultWarn, "default-warn-level", "privileged", "the same for warnings")
	flags.StringVar(&o.exemptNamespaces, "exempt-namespaces", "", "namespaces that are exempt, separated by commas")
	flags.StringVar(&o.exemptUsers, "exempt-users", "", "user names that are exempt, separated by commas")
	flags.StringVar(&o.exemptRuntimeClasses, "exempt-runtime-classes", "", "runtime classes whose pods are exempt, separated by commas")
	flags.BoolVar(&o.mutate, "mutate", true, "fill in unset fields; without it /mutate allows every pod as it is")
	flags.BoolVar(&o.warnOnMutation, "warn-on-mutation", true, "warn users of what was filled in")
	flags.StringVar(&o.server.Host, "webhook-host", "", "address to serve the webhooks on; empty: all")
	flags.IntVar(&o.server.Port, "webhook-port", 9443, "port to serve the webhooks on")
	flags.StringVar(&o.server.CertDir, "cert-dir", "/etc/podfence/tls", "directory of tls.crt and tls.key, which are read again when they change")
	flags.StringVar(&o.server.ClientCA, "client-ca", "", "file in --cert-dir with the CA of clients, which is read again when it changes; empty: clients need no certificate, and are told no names of running pods")
	flags.IntVar(&o.server.MaxConnections, "max-connections", 1000, "connections to the webhooks that are open at once; one more closes that which has been without a whole request for the longest")
	flags.DurationVar(&o.maxStaleness, "max-staleness", 30*time.Second, "how old the last answer of the API server may be; with an older one the replica is not ready, and reads the levels of namespaces anew for each request")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8080", "address of /metrics and of the status page /policies; 0: none")
	flags.StringVar(&o.healthAddr, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0: none")
	flags.DurationVar(&o.shutdownTimeout, "shutdown-timeout", shutdownTimeout, "how long requests may still take after a request to stop")
	flags.Int64Var(&o.limits.MaxBody, "max-body-bytes", limits.LargestBody, "size of the largest request body")
	flags.Int64Var(&o.limits.MaxBodies, "max-bodies-bytes", 32<<20, "size of all request bodies that are read or decided, together")
	flags.Int64Var(&o.limits.MaxMemory, "max-decision-bytes", 256<<20, "memory that the requests that are decided at once may need, by what was read of them; the others wait")
	flags.Int64Var(&o.limits.MaxRequests, "max-concurrent-requests", 64, "requests that are decided at once; the others wait")
	flags.DurationVar(&o.limits.ReadTimeout, "read-timeout", 5*time.Second, "how long a request body may take")
	flags.DurationVar(&o.limits.WriteTimeout, "write-timeout", 15*time.Second, "how long an answer may take")
	o.log.BindFlags(flags)
}

func main() {
	var o options
	o.bind(flag.CommandLine) // --kubeconfig is controller-runtime's own
	flag.Parse()
	logger := zap.New(zap.UseFlagOptions(&o.log), zap.WriteTo(printable{os.Stderr}))
	controllerruntime.SetLogger(logger)
	klog.SetLogger(logger) // client-go and Pod Security Admission log there
	if err := run(controllerruntime.SetupSignalHandler(), &o); err != nil {
		controllerruntime.Log.Error(err, "stopped")
		os.Exit(1)
	}
}

// run serves until the context ends, and then what was begun.
func run(ctx context.Context, o *options) error {
	config, err := o.config()
	if err != nil {
		return err
	}
	store := policies.New(o.policies, controllerruntime.Log.WithName("policies"), metrics.Registry)
	mgr, err := newManager(o, store)
	if err != nil {
		return err
	}
	contact := cluster.NewContact(mgr.GetAPIReader(), o.maxStaleness, controllerruntime.Log.WithName("cluster"), metrics.Registry)
	namespaces, pods := cluster.NewNamespaces(mgr.GetClient(), contact), cluster.NewPods(mgr.GetAPIReader(), metrics.Registry)
	controller, err := admission.New(config, store.Set, namespaces, pods, controllerruntime.Log.WithName("admission"), admission.NewMetrics(metrics.Registry))
	if err != nil {
		return err
	}
	limited := o.limits.Handler(ctx)
	server := mgr.GetWebhookServer() // which is run only if it was asked for
	for path, webhook := range map[string]http.Handler{"/mutate": controller.Mutating(), "/validate": controller.Validating()} {
		server.Register(path, limited(store.Before(webhook)))
	}
	if err := errors.Join(
		mgr.Add(store),
		mgr.Add(contact),
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("policies", store.Ready),
		mgr.AddReadyzCheck("namespaces", synced(mgr)),
		mgr.AddReadyzCheck("api-server", contact.Ready),
		mgr.AddReadyzCheck("webhooks", server.StartedChecker()),
	); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func newManager(o *options, store http.Handler) (manager.Manager, error) {
	restConfig, err := controllerruntime.GetConfig()
	if err != nil {
		return nil, err
	}
	webhooks, err := server.New(o.server, controllerruntime.Log.WithName("server"), metrics.Registry)
	if err != nil {
		return nil, err
	}
	restConfig.Wrap(cluster.BoundResponses)
	scheme := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(scheme))
	mgr, err := controllerruntime.NewManager(restConfig, manager.Options{
		Scheme:                  scheme,
		HealthProbeBindAddress:  o.healthAddr,
		GracefulShutdownTimeout: &o.shutdownTimeout,
		Metrics: metricsserver.Options{
			BindAddress:   o.metricsAddress,
			ExtraHandlers: map[string]http.Handler{"/policies": store},
		},
		WebhookServer: webhooks,
	})
	if err != nil {
		return nil, err
	}
	// The informer is asked for before the start, so that "synced" means it.
	_, err = mgr.GetCache().GetInformer(context.Background(), &corev1.Namespace{})
	return mgr, err
}

// synced is ready when namespaces have been listed.
func synced(mgr manager.Manager) healthz.Checker {
	return func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return errors.New("the namespaces have not been listed yet")
		}
		return nil
	}
}

// config is what the flags say, or what is wrong with them.
func (o *options) config() (admission.Config, error) {
	config := admission.Config{
		LabelPrefix:     o.labelPrefix,
		Mutate:          o.mutate,
		WarnOnMutation:  o.warnOnMutation,
		ClientsAreKnown: o.server.ClientCA != "",
		MaxRead:         o.limits.MaxRead(),
		Exemptions: admissionapi.PodSecurityExemptions{
			Namespaces: list(o.exemptNamespaces), Usernames: list(o.exemptUsers), RuntimeClasses: list(o.exemptRuntimeClasses),
		},
	}
	var errs []error
	for _, level := range []struct {
		flag, value string
		into        *api.LevelVersion
	}{
		{"default-level", o.defaultLevel, &config.Defaults.Enforce},
		{"default-audit-level", o.defaultAudit, &config.Defaults.Audit},
		{"default-warn-level", o.defaultWarn, &config.Defaults.Warn},
	} {
		lv, err := levelVersion(level.value)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", level.flag, err))
		}
		*level.into = lv
	}
	if o.maxStaleness < time.Second {
		errs = append(errs, errors.New("--max-staleness: the API server must be given a second to answer"))
	}
	return config, errors.Join(append(errs, o.limits.Validate())...)
}

// levelVersion parses LEVEL or LEVEL:VERSION in upstream's grammar.
func levelVersion(s string) (lv api.LevelVersion, err error) {
	level, version, given := strings.Cut(s, ":")
	if lv.Level, err = api.ParseLevel(level); err != nil {
		return lv, err
	}
	lv.Version = api.LatestVersion()
	if given {
		lv.Version, err = api.ParseVersion(version)
	}
	return lv, err
}

// list divides a flag's value at its commas.
func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}
