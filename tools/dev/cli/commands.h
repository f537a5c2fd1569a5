/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - hl-dev's subcommands: argv[0] is the subcommand's name. */
#ifndef DEV_COMMANDS_H
#define DEV_COMMANDS_H

int cmd_run(int argc, char **argv);
int cmd_debug(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_core(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_completion(int argc, char **argv);

#endif
