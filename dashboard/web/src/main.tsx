import { render } from 'preact';
import { App, followTitle } from './app';
import okIcon from './icons/ok.svg';
import problemIcon from './icons/problem.svg';
import staleIcon from './icons/silent.svg';
import { followKeys } from './keys';
import { start } from './store';
import { followTheme } from './theme';
import { follow } from './url';
import './style/tokens.css';
import './style/page.css';
import './style/panels.css';

followTheme();
follow();
start();
followKeys();
followTitle({ ok: okIcon, problem: problemIcon, stale: staleIcon });
render(<App />, document.getElementById('app')!);
