// Every page: where it is, what it is called, and where its code comes from when somebody goes there.
// `primary` ones are in the bar at the bottom of a narrow screen, `hidden` ones in no navigation.

/**
 * @typedef {object} Page
 * @property {string} path the address after `#/`; a part that begins with `:` stands for any
 * @property {string} title
 * @property {string} [icon]
 * @property {() => Promise<{default: Function}>} [load] the module; its view gets `{parameters, query}`
 * @property {string} [href] somewhere else than a page of this table
 * @property {boolean} [primary]
 * @property {boolean} [hidden]
 * @property {string} [under] the path of the entry that is shown as the current one
 */

/** @type {Page[]} */
export const PAGES = [
  { path: '', title: 'Overview', icon: 'overview', primary: true, load: () => import('./pages/overview.js') },
  { path: 'tasks', title: 'Tasks', icon: 'tasks', primary: true, load: () => import('./pages/tasks.js') },
  { path: 'tasks/:id', title: 'Task', hidden: true, under: 'tasks', load: () => import('./pages/task.js') },
  { path: 'new', title: 'New task', icon: 'new', primary: true, load: () => import('./pages/new.js') },
  { path: 'queues', title: 'Queues', icon: 'queues', primary: true, load: () => import('./pages/queues.js') },
  { path: 'interactions', title: 'Interactions', icon: 'interactions', load: () => import('./pages/interactions.js') },
  { path: 'interactions/:id', title: 'Interaction', hidden: true, under: 'interactions', load: () => import('./pages/interaction.js') },
  { path: 'models', title: 'Models', icon: 'models', load: () => import('./pages/models.js') },
  { path: 'workers', title: 'Workers', icon: 'workers', load: () => import('./pages/workers.js') },
  { path: 'docs', title: 'HTTP API', icon: 'docs', href: 'docs' },
  { path: 'login', title: 'Log in', hidden: true, load: () => import('./pages/login.js') },
];

/** The page of an address, and what stands at its `:` parts. */
export function pageAt(parts) {
  for (const page of PAGES) {
    const wanted = page.path.split('/').filter(Boolean);
    if (page.href || wanted.length !== parts.length) continue;
    if (!wanted.every((part, index) => part.startsWith(':') || part === parts[index])) continue;
    const named = wanted.map((part, index) => [part.slice(1), parts[index]]).filter((_, index) => wanted[index].startsWith(':'));
    return { page, parameters: Object.fromEntries(named) };
  }
  return null;
}
