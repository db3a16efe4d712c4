import { beforeEach, expect, test } from 'vitest';
import { fields, find, layout, paused, query, read, search, selected, sort, view, write } from './url';

beforeEach(() => read(''));

test('the plain page has a plain address', () => {
  expect(write()).toBe('');
});

test('what is written is read again', () => {
  query.value = 'state != "ok" and host =~ "web%"';
  find.value = 'a b';
  search.value = 'x&y=z';
  fields.value = [
    ['host', 'web1'],
    ['tag', 'a:b'],
  ];
  paused.value = true;
  sort.value = 'name';
  layout.value = 'tiles';
  selected.value = { host: '', service: null };
  view.value = 'stream';
  const text = write();
  read('');
  expect(write()).toBe('');
  read(text);
  expect(write()).toBe(text);
  expect(selected.value).toEqual({ host: '', service: null });
  expect(fields.value[1]).toEqual(['tag', 'a:b']);
});

test('a series without any name can be selected', () => {
  selected.value = { host: null, service: null };
  const text = write();
  read('');
  read(text);
  expect(selected.value).toEqual({ host: null, service: null });
});

test('nonsense takes the default', () => {
  read('?sort=up&layout=&view=nothing&field=:x&field=nocolon&paused=yes&q=%20');
  expect(write()).toBe('');
});
