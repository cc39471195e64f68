// The chart as helm reads it: each file of values in helm/carillon/ci renders to objects that Kubernetes knows, with settings
// that a node takes; and what would not work is refused with what to do.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const CHART = fileURLToPath(new URL('../../../../helm/carillon', import.meta.url));
const TOPOLOGIES = readdirSync(join(CHART, 'ci')).map((file) => file.replace('-values.yaml', '')).sort();
const { HELM, HELM_3, KUBE_SCORE, KUBERNETES_VALIDATE, CARILLON_BIN } = process.env;
/** The newest and the oldest Kubernetes that the chart is for. */
const KUBERNETES = ['1.37', '1.27'];
/** Kinds that come with what else is installed in a cluster. */
const APIS = ['gateway.networking.k8s.io/v1/HTTPRoute', 'keda.sh/v1alpha1/ScaledObject', 'monitoring.coreos.com/v1/PodMonitor',
  'monitoring.coreos.com/v1/ServiceMonitor', 'monitoring.coreos.com/v1/PrometheusRule',
  'gateway.envoyproxy.io/v1alpha1/BackendTrafficPolicy', 'networking.istio.io/v1/DestinationRule',
  'cloud.google.com/v1/BackendConfig'];
const lacking = (...tools) => (tools.every(Boolean) ? false : 'NOT TESTED, its tool is not here');

/** How a program ended, and what it said. */
function run(program, args) {
  return new Promise((done) => {
    // Of ours it is given nothing: a node would take CARILLON_BIN for a setting.
    execFile(program, args, { maxBuffer: 16e6, env: { PATH: process.env.PATH } }, (error, out, err) => done({ code: error?.code ?? 0, out, err }));
  });
}

const template = (args, apis = APIS, helm = HELM, release = 'x') =>
  run(helm, ['template', release, CHART, '-n', 'push', '--kube-version', '1.33', ...apis.flatMap((api) => ['--api-versions', api]), ...args]);
/** Values as JSON has them, so that numbers are numbers and texts are texts. */
const json = (values) => Object.entries(values).flatMap(([path, value]) => ['--set-json', `${path}=${JSON.stringify(value)}`]);
const valuesOf = (topology) => ['-f', join(CHART, 'ci', `${topology}-values.yaml`)];

async function rendered(topology, more = []) {
  const { code, out, err } = await template([...valuesOf(topology), ...more]);
  assert.equal(code, 0, err);
  return out;
}

/** The settings file that the pods mount, out of the ConfigMap that holds nothing else. */
const settingsIn = (manifest) => manifest.split('carillon.toml: |\n')[1].split('\n---\n')[0].replaceAll(/^ {4}/gm, '');

describe('the chart', { skip: lacking(HELM) }, () => {
  let folder;
  before(() => { folder = mkdtempSync(join(tmpdir(), 'carillon-chart-')); });
  after(() => rmSync(folder, { recursive: true }));

  for (const topology of TOPOLOGIES) {
    describe(topology, () => {
      it('is clean to helm lint --strict', async () => {
        const { code, out, err } = await run(HELM, ['lint', '--strict', CHART, ...valuesOf(topology)]);
        assert.equal(code, 0, out + err);
      });

      it('is the same to helm 3, which has nothing to complain of', { skip: lacking(HELM_3) }, async () => {
        const { code, out, err } = await run(HELM_3, ['lint', '--strict', CHART, ...valuesOf(topology)]);
        assert.equal(code, 0, out + err);
        // Keys are made anew each time, and the two end a file in ways of their own.
        const made = ({ out }) => out.replaceAll(/[\w+/=]{32,}/g, '').split(/^---$/m).map((object) => object.trim()).sort();
        assert.deepEqual(made(await template(valuesOf(topology), APIS, HELM_3)), made(await template(valuesOf(topology))));
      });

      for (const version of KUBERNETES) {
        it(`makes objects that Kubernetes ${version} knows`, { skip: lacking(KUBERNETES_VALIDATE) }, async () => {
          const { code, out, err } = await check(topology, KUBERNETES_VALIDATE, ['-k', version, '--strict']);
          assert.equal(code, 0, out + err);
          assert.match(out + err, /passed for resource deployment/);
        });
      }

      it('has no complaint of kube-score that is not meant', { skip: lacking(KUBE_SCORE) }, async () => {
        // The chart's README says why.
        const meant = ['container-image-pull-policy', 'deployment-replicas'].flatMap((test) => ['--ignore-test', test]);
        const { code, out } = await check(topology, KUBE_SCORE,
          ['score', '--output-format', 'ci', '--ignore-container-cpu-limit', ...meant]);
        assert.equal(code, 0, out);
      });

      it('sets what a node takes', async () => {
        // The files that pods mount, here by the names of their folders.
        const secret = 'not-a-secret-but-as-long-as-one-has-to-be';
        const files = { 'keys/keys': `all:publish:${secret}`, 'redis/password': secret, 'auth/token.key': secret,
          'socket.io.min.js': '// the client' };
        const place = join(folder, topology);
        for (const [name, text] of Object.entries(files)) {
          mkdirSync(join(place, name, '..'), { recursive: true });
          writeFileSync(join(place, name), text);
        }
        // Certificates are tried where nodes speak TLS.
        const more = ['tls.existingSecret', 'redis.tls.existingSecret', 'redis.tls.certKey', 'redis.tls.keyKey',
          'internalTls.existingSecret', 'internalTls.clientCaKey'].flatMap((value) => ['--set', `${value}=`]);
        const settings = settingsIn(await rendered(topology, more))
          .replaceAll('/etc/carillon', place).replaceAll('/usr/share/carillon', place);
        const file = join(place, 'carillon.toml');
        writeFileSync(file, settings);
        const { code, err } = await run(CARILLON_BIN, ['check', '--config', file]);
        assert.equal(code, 0, `${err}\n${settings}`);
      });
    });
  }

  async function check(topology, program, args) {
    const file = join(folder, `${topology}.yaml`);
    writeFileSync(file, await rendered(topology));
    return run(program, [...args, file]);
  }

  const OPEN = 'config.auth.allow_anonymous=true';
  const REDIS = 'redis.addresses={r}';
  const BUDGET = 'gateway.podDisruptionBudget';
  const REFUSED = [
    ['an open address where anyone may name any user', [], /whoever connects may name any user/],
    ['several nodes without a Redis', [OPEN, 'gateway.replicas=2'], /several nodes need a Redis/],
    ['an autoscaler without a Redis', [OPEN, 'gateway.autoscaling.enabled=true'], /several nodes need a Redis/],
    ['ingests apart without a Redis', [OPEN, 'ingest.enabled=true'], /reaches the gateways by Redis alone/],
    ['a grace that is shorter than the drain', [OPEN, 'config.drain.grace=1m', 'terminationGracePeriodSeconds=60'], /would be killed in the midst/],
    ['two that count the pods', [OPEN, 'redis.addresses={r}', 'gateway.keda.enabled=true', 'gateway.autoscaling.enabled=true'], /would both count/],
    ['sentinels without a name', [OPEN, 'redis.addresses={r}', 'redis.mode=sentinel'], /how the sentinels call the primary/],
    ['two passwords', [OPEN, 'redis.addresses={r}', 'redis.password=a', 'redis.existingSecret=b'], /both give a password/],
    ['tokens without a key', ['config.auth.mode=token'], /auth\.keySecret/],
    ['a preset that is of another kind', [OPEN, 'sticky.edge=istio', 'ingress.enabled=true', 'ingress.hosts={h}'], /does nothing for an Ingress/],
    ['a name that no Service can have', [OPEN, 'fullnameOverride=Push_1'], /"Push_1" cannot be the name of a Service/],
    ['a label that the chart finds its pods by', [OPEN, 'podLabels.app\\.kubernetes\\.io/name=x'], /podLabels: app.kubernetes.io\/name/],
    ['a variable that the chart sets', [OPEN, 'extraEnv[0].name=CARILLON_REDIS__URL', 'extraEnv[0].value=x'], /goes into redis\.urlSecret/],
    ['a password of a Redis that is nowhere', [OPEN, 'redis.existingSecret=b'], /nothing says where it is/],
    ['settings of a Redis that is nowhere', [OPEN, 'config.redis.min_replicas_ack=1'], /nothing says where it is/],
    ['sentinels that are asked as if they were Redis', [OPEN, REDIS, 'redis.sentinelMaster=m'], /redis\.mode=sentinel/],
    ['a password beside a URL that holds it', [OPEN, 'redis.urlSecret.name=u', 'redis.password=p'], /the whole URL is in that secret/],
    ['roots for a Redis without TLS', [OPEN, REDIS, 'redis.tls.existingSecret=s'], /redis\.tls\.enabled=true/],
    ['a certificate of no secret', [OPEN, REDIS, 'redis.tls.enabled=true', 'redis.tls.certKey=c', 'redis.tls.keyKey=k'], /name the secret that it is an entry of/],
    ['a certificate without its key', [OPEN, REDIS, 'redis.tls.enabled=true', 'redis.tls.existingSecret=s', 'redis.tls.certKey=c'], /Name both entries/],
    ['a probe\'s key that nodes would take for one to everything', [OPEN, 'apiKeys.existingSecret=s', 'apiKeys.probeKey=p'], /may do everything/],
    ['entries of no secret', [OPEN, 'apiKeys.probeKey=p'], /Name it in apiKeys\.existingSecret/],
    ['callers\' certificates where no TLS is spoken', [OPEN, 'internalTls.clientCaKey=ca.crt'], /nobody is asked/],
    ['an autoscaler of pods that are not there', [OPEN, 'ingest.autoscaling.enabled=true'], /Set ingest\.enabled=true/],
    ['less at the most than at the least', [OPEN, REDIS, 'gateway.autoscaling.enabled=true', 'gateway.autoscaling.minReplicas=20'], /maxReplicas 12/],
    ['percents of nothing', [OPEN, REDIS, 'gateway.autoscaling.enabled=true', 'gateway.resources.requests.cpu=null'], /gateway\.resources\.requests\.cpu/],
    ['a budget that lets nobody go', [OPEN, REDIS, `${BUDGET}.maxUnavailable=0`], /no machine could be emptied/],
    ['a budget that all must stay for', [OPEN, REDIS, `${BUDGET}.minAvailable=3`], /of 3 pods none may ever be away/],
    ['a budget that is no number', [OPEN, REDIS, `${BUDGET}.minAvailable=half`], /minAvailable/],
    ['a policy of no route', [OPEN, 'sticky.edge=envoy-gateway'], /httpRoute\.enabled=true/],
    ['a balancer whose question the policy keeps out', [OPEN, 'sticky.edge=gce'], /ipBlock: \{cidr: 35\.191/],
    ['a port that the type of service has not', [OPEN, 'service.nodePort=30000'], /set NodePort or LoadBalancer/],
    ['ranges that nothing keeps to', [OPEN, 'service.loadBalancerSourceRanges={10.0.0.0/8}'], /or set LoadBalancer/],
    ['a URL in place of an address', [OPEN, 'redis.addresses={redis://r:6379}'], /addresses/],
    ['a secret\'s entry without a name', [OPEN, 'auth.keySecret.name=s', 'auth.keySecret.key='], /keySecret\/key/],
    ['no pods at all', [OPEN, 'gateway.replicas=0'], /replicas.*got 0, want 1/],
    ['a misspelt setting', [OPEN, 'config.limits.sokets=1'], /sokets/],
    ['a misspelt value', [OPEN, 'replicaCount=3'], /replicaCount/],
    ['a number that is none', [OPEN, 'config.limits.sockets=many'], /limits\/sockets/],
  ];
  for (const [what, sets, words] of REFUSED) {
    it(`refuses ${what}`, async () => {
      const { code, err } = await template(sets.flatMap((set) => ['--set', set]));
      assert.notEqual(code, 0);
      assert.match(err, words);
    });
  }

  /** What is set, and what must come of it. */
  const ODD = [
    ['millions as they are', { 'sticky.edge': 'gce', 'sticky.maxAge': 1209600, 'networkPolicy.enabled': false, 'metrics.podMonitor': { enabled: true, sampleLimit: 5000000 } },
      /affinityCookieTtlSec: 1209600\n[^]*sampleLimit: 5000000\n/],
    ['a query with quotes of either kind', { 'gateway.keda': { enabled: true, serverAddress: 'http://p', query: `sum(x{a='b',c="d"})` }, 'redis.addresses': ['r'] },
      /query: "sum\(x\{a='b',c=\\"d\\"\}\)"/],
    ['one slash behind the registry', { 'image.registry': 'r.example.com/' }, /image: r\.example\.com\/carillon:/],
    ['four fifths of whatever memory is written like', { 'gateway.resources.limits.memory': '1.5Gi' }, /CARILLON_LIMITS__MEMORY, value: 1228MiB/],
    ['an autoscaler no longer than it can wait', { 'config.drain.grace': '1h', 'gateway.autoscaling.enabled': true, 'redis.addresses': ['r'] }, /periodSeconds: 1800 /],
    ['a way out to whoever knows the users', { 'config.auth': { mode: 'hook', hook: { url: 'http://api.shop.svc:8080/who' } } }, /\{ port: 8080, protocol: TCP \}/],
    ['a way in to `helm test` past a policy', { 'networkPolicy.publicFrom': [{ ipBlock: { cidr: '10.0.0.0/8' } }] },
      /port: public, [^]*?cidr: 10\.0\.0\.0\/8\n[^]*?podSelector:[^]*port: internal/],
    ['others the way to a node\'s own clients', { listenAddress: '[::]' }, /CARILLON_INTERNAL__ADVERTISE\n +value: "\[\$\(POD_IP\)\]:8001"/],
    ['templates of its own their values', { extraObjects: ['kind: A\nname: {{ .Release.Name }}', { kind: 'B', name: '{{ .Values.service.port }}' }] }, /kind: A\nname: x\n[^]*kind: B\nname: '80'/],
  ];
  for (const [what, values, words] of ODD) {
    it(`gives ${what}`, async () => {
      const { code, out, err } = await template(json({ 'config.auth.allow_anonymous': true, ...values }));
      assert.equal(code, 0, err);
      assert.match(out, words);
    });
  }

  const BY_TLS = { 'ingress-nginx': /backend-protocol: HTTPS/, haproxy: /server-ssl: "true"/, traefik: /serversscheme: https/,
    'aws-alb': /backend-protocol: HTTPS\n[^]*healthcheck-protocol: HTTPS/, gce: /app-protocols: '\{"public": "HTTPS"\}'\n[^]*type: HTTPS,/ };
  for (const [edge, words] of Object.entries(BY_TLS)) {
    it(`has ${edge} speak TLS to nodes that do`, async () => {
      const { code, out, err } = await template([...valuesOf('tls'), ...json({ 'sticky.edge': edge, 'networkPolicy.enabled': false, ingress: { enabled: true, hosts: ['a', 'b'] } })]);
      assert.equal(code, 0, err);
      assert.match(out, words);
    });
  }

  it('keeps texts that look like numbers texts', { skip: lacking(KUBERNETES_VALIDATE) }, async () => {
    const { code, out, err } = await template([...valuesOf('cluster'), '-n', '123', ...json({ 'image.pullSecrets': ['1'], priorityClassName: '2',
      'redis.existingSecret': '3', 'redis.existingSecretKey': 'no', apiKeys: { existingSecret: '4', existingSecretKeys: ['5'], probeKey: '6' },
      'networkPolicy.monitoringNamespace': '7', 'serviceAccount.name': '8', 'test.tokenSecret': { name: '9', key: '10' } })], APIS, HELM, 'on');
    assert.equal(code, 0, err);
    const file = join(folder, 'texts.yaml');
    writeFileSync(file, out);
    const judged = await run(KUBERNETES_VALIDATE, ['-k', KUBERNETES[0], '--strict', file]);
    assert.equal(judged.code, 0, judged.out + judged.err);
  });

  it('refuses a kind that the cluster does not know', async () => {
    const { code, err } = await template(['--set', OPEN, '--set', 'metrics.podMonitor.enabled=true'], []);
    assert.notEqual(code, 0);
    assert.match(err, /does not know monitoring\.coreos\.com\/v1\/PodMonitor/);
  });

  it('gives pods as long as they need to drain', async () => {
    const manifest = await rendered('single', ['--set', 'config.drain.grace=1m 30s']);
    assert.match(manifest, /terminationGracePeriodSeconds: 100/);
  });

  it('refuses newcomers before a pod has used up its memory, unless that is said', async () => {
    assert.match(await rendered('single'), /CARILLON_LIMITS__MEMORY, value: 819MiB/);
    assert.doesNotMatch(await rendered('single', ['--set', 'config.limits.memory=100MiB']), /CARILLON_LIMITS__MEMORY/);
  });

  it('has other nodes bring what belongs to a pod, unless it is said where', async () => {
    const ADVERTISED = /CARILLON_INTERNAL__ADVERTISE\n +value: "\$\(POD_IP\):8001"/;
    assert.match(await rendered('cluster'), ADVERTISED);
    assert.doesNotMatch(await rendered('cluster', ['--set', 'config.internal.advertise=10.0.0.7:8001']), ADVERTISED);
  });

  it('replaces the pods when a setting changes, and not else', async () => {
    const sum = (manifest) => /checksum\/settings: (\w+)/.exec(manifest)[1];
    const [one, same, other] = [await rendered('single'), await rendered('single'),
      await rendered('single', ['--set', 'config.limits.sockets=5'])].map(sum);
    assert.equal(one, same);
    assert.notEqual(one, other);
  });

  it('brings the alerts and the dashboards, and says where the runbooks are read', async () => {
    const manifest = await rendered('single', ['--set', 'metrics.prometheusRule.enabled=true', '--set', 'metrics.dashboards.enabled=true',
      '--set', 'metrics.prometheusRule.runbooks=https://wiki/carillon']);
    assert.match(manifest, /runbook_url: https:\/\/wiki\/carillon\/CarillonDown\.md/);
    assert.doesNotMatch(manifest, /docs\/runbooks\/Carillon/);
    assert.match(manifest, /\{\{ \$labels\.instance \}\} of/);
    for (const name of ['overview', 'node', 'bus', 'drain']) assert.match(manifest, new RegExp(`-dashboard-${name}$`, 'm'));
  });

  it('leaves the number of pods to what counts them', async () => {
    const deployments = (manifest) => manifest.split('\n---\n').filter((object) => /^kind: Deployment$/m.test(object));
    assert.equal(deployments(await rendered('apart')).filter((object) => /^ {2}replicas:/m.test(object)).length, 0);
    assert.equal(deployments(await rendered('cluster')).filter((object) => /^ {2}replicas: 3$/m.test(object)).length, 1);
  });
});
