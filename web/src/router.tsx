import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { parseSearch, type Search, writeSearch } from './lib/filter';
import { Lost, Shell } from './parts/Shell';

const root = createRootRoute({
  component: Shell,
  notFoundComponent: Lost,
  validateSearch: (search: Record<string, unknown>): Search => search as Search,
});

function page(path: string, load: () => Promise<{ default: () => React.ReactNode }>) {
  return createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load) });
}

const routes = [
  page('/', () => import('./pages/Overview')),
  page('/tasks', () => import('./pages/Tasks')),
  page('/tasks/$id', () => import('./pages/Task')),
  page('/jobs', () => import('./pages/Jobs')),
  page('/jobs/$id', () => import('./pages/Job')),
  page('/queues', () => import('./pages/Queues')),
  page('/hooks', () => import('./pages/Hooks')),
  page('/hooks/$id', () => import('./pages/Hook')),
  page('/archive', () => import('./pages/Archive')),
  page('/operations', () => import('./pages/Operations')),
  page('/operations/$id', () => import('./pages/Operation')),
  page('/sources', () => import('./pages/Sources')),
  page('/sources/$id', () => import('./pages/Source')),
  page('/access', () => import('./pages/Access')),
  page('/settings', () => import('./pages/Settings')),
];

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: new URL(document.baseURI).pathname,
  parseSearch,
  stringifySearch: writeSearch,
  defaultPreload: 'intent',
});
