/*
 * Debian's collectd 5.12 calls riemann_event_set without the end marker that riemann-c-client 1.10 wants,
 * so that fields of some events are overwritten by whatever the stack holds: empty states, descriptions and
 * services, and now and then a crash. Preloaded into collectd, this library stores the one field at fault
 * itself and passes every other call on.
 *
 *   gcc -shared -fPIC -o event_set.so event_set.c -lriemann-client
 *   LD_PRELOAD=$PWD/event_set.so collectd -f -C collectd.conf
 */
#include <riemann/riemann-client.h>
#include <stdarg.h>

int riemann_event_set(riemann_event_t *event, ...)
{
  va_list args;
  va_start(args, event);
  riemann_event_field_t first = (riemann_event_field_t)va_arg(args, int);
  int result = 0;
  if (first == RIEMANN_EVENT_FIELD_TIME_MICROS) {
    event->time_micros = va_arg(args, int64_t);
    event->has_time_micros = 1;
  } else {
    result = riemann_event_set_va(event, first, args);
  }
  va_end(args);
  return result;
}
