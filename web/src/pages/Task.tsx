import { useParams } from '@tanstack/react-router';
import { useEffect } from 'react';
import { Link } from '../parts/Link';
import TaskView from '../parts/TaskView';

export default function Task() {
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  useEffect(() => {
    document.title = `${id} · Farwork`;
  }, [id]);
  return (
    <div className="page">
      <nav aria-label="Where" className="crumbs">
        <Link to="/tasks">Tasks</Link> <span aria-hidden>/</span> <span className="mono">{id}</span>
      </nav>
      <div className="panel pad">
        <TaskView id={id} key={id} />
      </div>
    </div>
  );
}
