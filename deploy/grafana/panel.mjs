// What a Grafana dashboard is made of: panels laid out in rows of 24 columns, and the variables that all of ours share.

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLUMNS = 24;

/** What the variables choose, as a selector's text: nodes, and what is recorded of whole releases. */
export const NODES = 'namespace=~"$namespace", job=~"$job", pod=~"$pod"';
export const RELEASES = 'namespace=~"$namespace", job=~"$job"';

/** A counter's rate by some of its labels. */
export const rate = (metric, by, more = '') =>
  `sum by (${by}) (rate(${metric}{${NODES}${more && `, ${more}`}}[$__rate_interval]))`;

/** A quantile of a histogram, over all that are chosen or by a label. */
export const quantile = (share, metric, by = '') =>
  `histogram_quantile(${share}, sum by (le${by && `, ${by}`}) (rate(${metric}_bucket{${NODES}}[$__rate_interval])))`;

/** A plot. `queries` are pairs of an expression and what its lines are called. */
export const plot = (title, unit, description, ...queries) => ({
  ...panel(title, unit, description, queries), type: 'timeseries', w: 8, h: 8,
  options: { legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } },
});

/** One number, red from or below a bound: `[bound, 'above' | 'below']`. */
export const number = (title, unit, description, query, [bound, side] = []) => {
  const made = panel(title, unit, description, [[query, '']]);
  const [first, then] = side === 'below' ? ['red', 'green'] : ['green', 'red'];
  const steps = [{ color: bound === undefined ? 'green' : first, value: null }];
  if (bound !== undefined) steps.push({ color: then, value: bound });
  made.fieldConfig.defaults.thresholds = { mode: 'absolute', steps };
  return { ...made, type: 'stat', w: 4, h: 4,
    options: { colorMode: 'value', graphMode: 'area', reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } } };
};

function panel(title, unit, description, queries) {
  const targets = queries.map(([expr, legendFormat], index) =>
    ({ refId: String.fromCharCode(65 + index), datasource: DATASOURCE, editorMode: 'code', expr, legendFormat, range: true }));
  // Some counters begin when there is something to count.
  const defaults = { unit, min: 0, noValue: 'none yet' };
  return { title, description, datasource: DATASOURCE, fieldConfig: { defaults, overrides: [] }, targets };
}

export function dashboard(name, title, description, panels) {
  return {
    uid: `carillon-${name}`, title: `Carillon / ${title}`, description, tags: ['carillon'], editable: true, schemaVersion: 41,
    timezone: 'browser', refresh: '30s', time: { from: 'now-1h', to: 'now' },
    links: [{ type: 'dashboards', title: 'Carillon', tags: ['carillon'], asDropdown: true, keepTime: true, includeVars: true,
      icon: '', tooltip: '', url: '', targetBlank: false }],
    templating: { list: variables() }, annotations: { list: [newVersions()] }, panels: laidOut(panels),
  };
}

function variables() {
  const labels = (name, label, of) => ({ type: 'query', name, label, datasource: DATASOURCE, refresh: 2, sort: 1,
    query: { query: `label_values(carillon_build_info${of}, ${name})`, refId: name },
    multi: true, includeAll: true, allValue: '.*', current: { text: 'All', value: '$__all' } });
  return [
    { type: 'datasource', name: 'datasource', label: 'Data source', query: 'prometheus' },
    labels('namespace', 'Namespace', ''),
    labels('job', 'Job', '{namespace=~"$namespace"}'),
    labels('pod', 'Pod', `{${RELEASES}}`),
  ];
}

/** A mark where a version was not there five minutes before. */
function newVersions() {
  const versions = `count by (version) (carillon_build_info{${RELEASES}}`;
  return { name: 'New versions', datasource: DATASOURCE, enable: true, iconColor: 'blue',
    expr: `${versions}) unless ${versions} offset 5m)` };
}

/** From left to right, and a new row where the width or the height ends. */
function laidOut(panels) {
  let [x, y, height] = [0, 0, 0];
  return panels.map(({ w, h, ...rest }, index) => {
    if (x + w > COLUMNS || (x > 0 && h !== height)) [x, y] = [0, y + height];
    const gridPos = { x, y, w, h };
    [x, height] = [x + w, h];
    return { id: index + 1, ...rest, gridPos };
  });
}
