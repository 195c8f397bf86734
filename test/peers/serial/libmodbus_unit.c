/*
 * A Modbus unit played by libmodbus: a relay board with a level in register 0, since libmodbus hears one unit alone.
 *
 * Framing, checksums, exceptions and tables are the library's. It takes FF00 and 0000 alone on function 5, so the
 * maker's word that starts a pulse is taken here, and its timer is kept here.
 *
 * usage: libmodbus_unit TTY BAUD
 * stdout: "ready", "relay N on|off AT_MILLISECONDS", "pulse N MILLISECONDS"; stdin: "input N on|off", "level TENTHS_OF_DECIBELS"
 */
#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RELAYS 8

static modbus_mapping_t *board;
static long long pulse_ends[RELAYS];

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void tell_changes(const uint8_t *before) {
  for (int relay = 0; relay < RELAYS; relay++)
    if (before[relay] != board->tab_bits[relay])
      printf("relay %d %s %lld\n", relay + 1, board->tab_bits[relay] ? "on" : "off", now_ms());
}

static void end_pulses(void) {
  uint8_t before[RELAYS];
  memcpy(before, board->tab_bits, RELAYS);
  for (int relay = 0; relay < RELAYS; relay++)
    if (pulse_ends[relay] != 0 && now_ms() >= pulse_ends[relay]) {
      board->tab_bits[relay] = !board->tab_bits[relay];
      pulse_ends[relay] = 0;
    }
  tell_changes(before);
}

static int obey(void) {
  char line[64], state[8];
  int number;
  if (fgets(line, sizeof line, stdin) == NULL) return 0;
  if (sscanf(line, "input %d %7s", &number, state) == 2)
    board->tab_input_bits[number - 1] = strcmp(state, "on") == 0;
  else if (sscanf(line, "level %d", &number) == 1)
    board->tab_registers[0] = number;
  return 1;
}

/* A request as libmodbus hands it over: unit, function, address, word, checksum. */
static void answer(modbus_t *line, const uint8_t *request, int length) {
  int address = request[2] << 8 | request[3], word = request[4] << 8 | request[5];
  int block = address >> 8, relay = address & 0xff;
  uint8_t before[RELAYS];
  memcpy(before, board->tab_bits, RELAYS);
  if (request[1] == 5 && (block == 2 || block == 4) && relay < RELAYS) {
    board->tab_bits[relay] = block == 2;
    pulse_ends[relay] = now_ms() + word * 100LL;
    tell_changes(before);
    printf("pulse %d %d\n", relay + 1, word * 100);
    modbus_send_raw_request(line, request, length - 2);
    return;
  }
  modbus_reply(line, request, length, board);
  for (int i = 0; i < RELAYS; i++)
    if (before[i] != board->tab_bits[i]) pulse_ends[i] = 0;
  tell_changes(before);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  setvbuf(stdin, NULL, _IONBF, 0);
  modbus_t *line = modbus_new_rtu(argv[1], atoi(argv[2]), 'N', 8, 1);
  board = modbus_mapping_new(RELAYS, 8, 1, 0);
  if (line == NULL || board == NULL) return 1;
  board->tab_registers[0] = 420;
  modbus_set_slave(line, 1);
  if (modbus_connect(line) != 0) {
    fprintf(stderr, "%s: %s\n", argv[1], modbus_strerror(errno));
    return 1;
  }
  puts("ready");
  for (;;) {
    struct pollfd ready[2] = {{modbus_get_socket(line), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    poll(ready, 2, 5);
    end_pulses();
    if (ready[1].revents != 0 && !obey()) return 0;
    if (ready[0].revents & (POLLHUP | POLLERR)) return 0;
    if (ready[0].revents & POLLIN) {
      uint8_t request[MODBUS_RTU_MAX_ADU_LENGTH];
      int length = modbus_receive(line, request);
      if (length > 0) answer(line, request, length);
      else if (length < 0) modbus_flush(line);
    }
  }
}
