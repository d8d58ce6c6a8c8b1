import { Tabs } from '@mantine/core';
import { useSession } from '../api/session';
import { AuditTab } from '../parts/access/AuditTab';
import { KeysTab } from '../parts/access/KeysTab';
import { ProjectsTab } from '../parts/access/ProjectsTab';
import { UsersTab } from '../parts/access/UsersTab';
import { useSearchWords, useSetSearch } from '../parts/nav';

/** Who may come in: users, keys, and the projects they belong to. */
export default function Access() {
  const { me } = useSession();
  const search = useSearchWords();
  const setSearch = useSetSearch();
  const tab = search['tab']?.[0] ?? 'keys';
  // An admin of the default project manages the others too.
  const overall = me?.project === 'default';
  return (
    <div className="page">
      <h1>Access</h1>
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(next) => next && setSearch((b) => ({ ...b, tab: [next] }))}
      >
        <Tabs.List>
          <Tabs.Tab value="keys">API keys</Tabs.Tab>
          <Tabs.Tab value="users">Users</Tabs.Tab>
          {overall && <Tabs.Tab value="projects">Projects</Tabs.Tab>}
          <Tabs.Tab value="audit">Audit</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="keys" pt="sm">
          <KeysTab />
        </Tabs.Panel>
        <Tabs.Panel value="users" pt="sm">
          <UsersTab />
        </Tabs.Panel>
        <Tabs.Panel value="audit" pt="sm">
          <AuditTab />
        </Tabs.Panel>
        <Tabs.Panel value="projects" pt="sm">
          <ProjectsTab />
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}
