/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/kvm_hint.c - hints for a KVM device node that cannot be opened. */
#include "kvm_hint.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is the text in a file of /proc?  The file is read to its end, in overlapping pieces. */
static bool says(const char *path, const char *text)
{
    char buf[4097];
    size_t keep = 0, overlap = strlen(text) - 1;
    bool found = false;
    FILE *f = fopen(path, "re");
    for (size_t n = 1; f && !found && n; keep = n < overlap ? n : overlap) {
        n = keep + fread(buf + keep, 1, sizeof(buf) - 1 - keep, f);
        found = memmem(buf, n, text, strlen(text)) != NULL;
        if (n == keep)
            break;
        size_t rest = n < overlap ? n : overlap;
        memmove(buf, buf + n - rest, rest);
    }
    if (f)
        fclose(f);
    return found;
}

static bool in_container(void)
{
    return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;
}

/* The device does not exist, or has no driver. */
static void hint_missing(const char *path, struct hl_error *error)
{
    bool intel = says("/proc/cpuinfo", " vmx "), amd = says("/proc/cpuinfo", " svm ");
    if (says("/proc/misc", " kvm\n") && in_container())
        hl_error_hint(error,
                      "the kernel has KVM, but this container has no %s: start it with "
                      "--device /dev/kvm",
                      path);
    else if (says("/proc/misc", " kvm\n"))
        hl_error_hint(error, "the kernel has KVM, but there is no node for it: as root, "
                             "mknod /dev/kvm c 10 232 (udev makes it where it runs)");
    else if (intel || amd)
        hl_error_hint(error, "as root, modprobe kvm_%s; if that fails, `dmesg` says why",
                      intel ? "intel" : "amd");
    else
        hl_error_hint(
            error, "enable virtualization in the firmware, or nested virtualization in the host");
}

/* Is the user of this process in the group, if not yet in this session? */
static bool enlisted(gid_t gid)
{
    struct passwd entry, *found = NULL;
    char buf[1024];
    gid_t list[256];
    int count = sizeof(list) / sizeof(list[0]);
    if (getpwuid_r(geteuid(), &entry, buf, sizeof(buf), &found) || !found ||
        getgrouplist(found->pw_name, found->pw_gid, list, &count) < 0)
        return false;
    for (int i = 0; i < count; i++)
        if (list[i] == gid)
            return true;
    return false;
}

static void hint_group(const struct group *group, struct hl_error *error)
{
    if (enlisted(group->gr_gid))
        hl_error_hint(error, "you are in its group %s, but not yet in this session: log in again",
                      group->gr_name);
    else
        hl_error_hint(error,
                      "it belongs to the group %s: sudo usermod -aG %s $USER, then log in again",
                      group->gr_name, group->gr_name);
}

/* Joining a group helps only if the node's mode gives access to it. */
static void hint_access(const char *path, struct hl_error *error)
{
    struct stat st;
    char buf[1024];
    struct group group, *found = NULL;
    if (stat(path, &st)) /* a directory above it */
        hl_error_hint(error, "a directory of %s cannot be entered by this user", path);
    else if (geteuid() == 0)
        hl_error_hint(error,
                      "not the mode but a container or security module forbids it: start the "
                      "container with --device /dev/kvm");
    else if ((st.st_mode & 060) == 060 && st.st_gid != 0 &&
             getgrgid_r(st.st_gid, &group, buf, sizeof(buf), &found) == 0 && found)
        hint_group(found, error);
    else if ((st.st_mode & 060) == 060 && st.st_gid != 0)
        hl_error_hint(error,
                      "it belongs to the group %u, which has no name here: start the container "
                      "with --group-add %u",
                      (unsigned)st.st_gid, (unsigned)st.st_gid);
    else
        hl_error_hint(error,
                      "its mode lets only its owner in: as root, %schgrp kvm %s && chmod 660 %s, "
                      "then usermod -aG kvm $USER and log in again",
                      getgrnam_r("kvm", &group, buf, sizeof(buf), &found) == 0 && found
                          ? ""
                          : "groupadd -r kvm && ",
                      path, path);
}

void kvm_hint(const char *path, int number, struct hl_error *error)
{
    if (strcmp(path, "/dev/kvm") != 0 && number != EACCES && number != EPERM)
        hl_error_hint(error, "HL_KVM_DEVICE in the environment names it; unset, it is /dev/kvm");
    else if (number == ENOENT || number == ENODEV || number == ENXIO)
        hint_missing(path, error);
    else if (number == EACCES || number == EPERM)
        hint_access(path, error);
}
