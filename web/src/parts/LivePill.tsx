import { Menu, UnstyledButton } from '@mantine/core';
import { live, type Standing } from '../api/live';
import { useStanding } from '../api/useLive';
import { span, useNow } from '../lib/time';

const WORDS: Record<Standing, string> = {
  live: 'Live',
  connecting: 'Connecting',
  waiting: 'Reconnecting',
  paused: 'Paused',
  off: 'Off',
};

/** How the connection to the server stands, and how old what is shown may be. */
export function LivePill() {
  const standing = useStanding();
  const now = useNow();
  const age = standing === 'live' || live.heardAt === 0 ? '' : `, ${span(now - live.heardAt)} old`;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <UnstyledButton
          className="live"
          data-standing={standing}
          title={`What you see is ${WORDS[standing].toLowerCase()}`}
        >
          <i aria-hidden />
          <span role="status">{WORDS[standing]}</span>
          {age && <span className="num live-age">{age}</span>}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {standing === 'paused' ? (
          <Menu.Item onClick={() => live.resume()}>Go on</Menu.Item>
        ) : (
          <Menu.Item onClick={() => live.pause()}>Pause updates</Menu.Item>
        )}
        {standing === 'waiting' && <Menu.Item onClick={() => live.hurry()}>Try now</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
