import {
  ActionIcon,
  AppShell,
  Burger,
  Button,
  Group,
  Menu,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconArchive,
  IconGraph,
  IconInbox,
  IconKey,
  IconLayoutDashboard,
  IconListCheck,
  IconListDetails,
  IconMoon,
  IconSearch,
  IconServer,
  IconSettings,
  IconSun,
  IconUser,
  IconWebhook,
} from '@tabler/icons-react';
import { Outlet } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { live } from '../api/live';
import { useSession } from '../api/session';
import { set, setting, useSetting } from '../lib/settings';
import { zoneName } from '../lib/time';
import { may, type Role } from '../lib/words';
import SignIn from '../pages/SignIn';
import { useKeys } from './keys';
import { Link } from './Link';
import { LivePill } from './LivePill';
import { useGo, usePath } from './nav';
import Palette from './Palette';
import { Trouble } from './Trouble';

const KeysHelp = lazy(() => import('./KeysHelp'));

export interface Place {
  to: string;
  label: string;
  Icon: typeof IconKey;
  keys: string;
  needs: Role;
}

export const PLACES: readonly Place[] = [
  { to: '/', label: 'Overview', Icon: IconLayoutDashboard, keys: 'g o', needs: 'viewer' },
  { to: '/tasks', label: 'Tasks', Icon: IconListDetails, keys: 'g t', needs: 'viewer' },
  { to: '/jobs', label: 'Jobs', Icon: IconGraph, keys: 'g j', needs: 'viewer' },
  { to: '/queues', label: 'Queues', Icon: IconServer, keys: 'g w', needs: 'viewer' },
  { to: '/archive', label: 'Archive', Icon: IconArchive, keys: 'g a', needs: 'viewer' },
  { to: '/operations', label: 'Operations', Icon: IconListCheck, keys: 'g b', needs: 'operator' },
  { to: '/hooks', label: 'Hooks', Icon: IconWebhook, keys: 'g h', needs: 'operator' },
  { to: '/sources', label: 'Sources', Icon: IconInbox, keys: 'g s', needs: 'admin' },
  { to: '/access', label: 'Access', Icon: IconKey, keys: 'g k', needs: 'admin' },
  { to: '/settings', label: 'Settings', Icon: IconSettings, keys: 'g ,', needs: 'viewer' },
];

/** The frame around every page: navigation, connection, palette, shortcuts; or the door. */
export function Shell() {
  const { me, trouble, retry } = useSession();
  if (trouble && me === undefined) {
    return (
      <main className="door">
        <div className="door-card">
          <Trouble error={trouble} retry={retry} title="Farwork cannot be reached" />
        </div>
      </main>
    );
  }
  if (me === undefined) return <main className="door" aria-busy="true" />;
  return me === null ? <SignIn /> : <Frame />;
}

function Frame() {
  const [menu, { toggle, close }] = useDisclosure();
  const [help, setHelp] = useState(false);
  const [palette, setPalette] = useState(false);
  const { me } = useSession();
  const go = useGo();
  const path = usePath();
  const scheme = useComputedColorScheme('light');
  const { setColorScheme } = useMantineColorScheme();
  const main = useRef<HTMLElement>(null);
  const flip = () => setColorScheme(scheme === 'dark' ? 'light' : 'dark');
  const places = PLACES.filter((place) => may(me?.role, place.needs));
  useKeys({
    '?': () => setHelp(true),
    D: flip,
    t: () => set('times', setting('times') === 'relative' ? 'absolute' : 'relative'),
    p: () => (live.standing === 'paused' ? live.resume() : live.pause()),
    ...Object.fromEntries(places.map((place) => [place.keys, () => go(place.to)])),
  });
  useEffect(() => {
    function open(event: KeyboardEvent): void {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setPalette(true);
      }
    }
    window.addEventListener('keydown', open);
    return () => window.removeEventListener('keydown', open);
  }, []);
  const here = places.findLast((p) => path === p.to || (p.to !== '/' && path.startsWith(`${p.to}/`)));
  useEffect(() => {
    document.title = here ? `${here.label} · Farwork` : 'Farwork';
  }, [here]);
  return (
    <AppShell
      header={{ height: 46 }}
      navbar={{ width: 186, breakpoint: 'sm', collapsed: { mobile: !menu } }}
      padding="sm"
    >
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <AppShell.Header px="sm" className="bar">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={menu}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={menu ? 'Close the menu' : 'Open the menu'}
            />
            <img src="icon.svg" alt="" width={22} height={22} />
            <Text fw={700} component="span">
              farwork
            </Text>
            <Text size="xs" c="dimmed" component="span" className="project" title="Project">
              {me?.project}
            </Text>
          </Group>
          <Group gap={8} wrap="nowrap">
            <Button
              variant="default"
              size="compact-sm"
              leftSection={<IconSearch size={14} />}
              rightSection={<kbd className="key">Ctrl K</kbd>}
              visibleFrom="md"
              fw={400}
              onClick={() => setPalette(true)}
            >
              Go to…
            </Button>
            <ActionIcon
              variant="default"
              hiddenFrom="md"
              size={28}
              aria-label="Go to…"
              onClick={() => setPalette(true)}
            >
              <IconSearch size={15} />
            </ActionIcon>
            <LivePill />
            <Zone />
            <ActionIcon
              variant="default"
              size={28}
              aria-label={`Switch to ${scheme === 'dark' ? 'light' : 'dark'} colours`}
              onClick={flip}
            >
              {scheme === 'dark' ? <IconSun size={15} /> : <IconMoon size={15} />}
            </ActionIcon>
            <Who help={() => setHelp(true)} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p={6} aria-label="Main">
        {places.map((place) => (
          <Link
            key={place.to}
            to={place.to}
            className="place"
            aria-current={place === here ? 'page' : undefined}
            onClick={close}
          >
            <place.Icon size={16} aria-hidden />
            <span>{place.label}</span>
            <kbd className="key" aria-hidden>
              {place.keys}
            </kbd>
          </Link>
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} ref={main}>
        <Suspense fallback={null}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <Suspense fallback={null}>
        {palette && <Palette close={() => setPalette(false)} places={places} />}
        {help && <KeysHelp close={() => setHelp(false)} />}
      </Suspense>
    </AppShell>
  );
}

function Zone() {
  const [zone, setZone] = useSetting('zone');
  const next = zone === 'UTC' ? 'local' : 'UTC';
  return (
    <Button
      variant="subtle"
      color="gray"
      size="compact-xs"
      visibleFrom="sm"
      title={`Times are in ${zoneName(zone)}`}
      aria-label={`Times are in ${zoneName(zone)}; show them in ${zoneName(next)}`}
      onClick={() => setZone(next)}
    >
      {zoneName(zone)}
    </Button>
  );
}

function Who({ help }: { help: () => void }) {
  const { me, about, signOut } = useSession();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size={28} aria-label={`Signed in as ${me?.name}`}>
          <IconUser size={15} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me?.name}, {me?.role} of {me?.project}
        </Menu.Label>
        <Menu.Item onClick={help}>Keyboard shortcuts</Menu.Item>
        <Menu.Item component="a" href="docs">
          API description
        </Menu.Item>
        {about?.auth === 'on' && <Menu.Item onClick={signOut}>Sign out</Menu.Item>}
        <Menu.Label>Farwork {about?.version}</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}

/** For an address that means nothing. */
export function Lost() {
  return (
    <div className="empty">
      <h1>There is no such page</h1>
      <p>
        <Link to="/tasks">To the tasks</Link>
      </p>
    </div>
  );
}
