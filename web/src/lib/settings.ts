import { useCallback, useSyncExternalStore } from 'react';

/** What a person prefers, in this browser; never anything secret. */
export interface Settings {
  zone: string;
  times: 'relative' | 'absolute';
  density: 'normal' | 'compact';
  shortcuts: boolean;
  columns: string[];
  views: { name: string; search: string }[];
}

const DEFAULTS: Settings = {
  zone: 'local',
  times: 'relative',
  density: 'normal',
  shortcuts: true,
  columns: ['state', 'task', 'progress', 'queue', 'attempt', 'duration', 'created', 'note'],
  views: [],
};
const STORE = 'farwork.settings';
const listeners = new Set<() => void>();
let settings = read();

function read(): Settings {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) ?? '{}') as Partial<Settings>;
    return { ...DEFAULTS, ...kept };
  } catch {
    return DEFAULTS;
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function setting<K extends keyof Settings>(name: K): Settings[K] {
  return settings[name];
}

export function set<K extends keyof Settings>(name: K, value: Settings[K]): void {
  settings = { ...settings, [name]: value };
  try {
    localStorage.setItem(STORE, JSON.stringify(settings));
  } catch {
    // Without storage it lasts until the next reload.
  }
  for (const call of listeners) call();
}

// What is set in one tab counts in all.
window.addEventListener('storage', (event) => {
  if (event.key !== STORE) return;
  settings = read();
  for (const call of listeners) call();
});

export function useSetting<K extends keyof Settings>(name: K): [Settings[K], (value: Settings[K]) => void] {
  const value = useSyncExternalStore(subscribe, () => settings[name]);
  return [value, useCallback((next: Settings[K]) => set(name, next), [name])];
}
