/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/profile.h - measure where a guest's exits and time go.
 *
 *     hl_profile_create(&profile, image, NULL, &error);
 *     hl_profile_attach(profile, sb, &error);
 *     hl_sandbox_start(sb, &error);                   // and calls
 *     hl_profile_write(profile, "profile.json", &error);
 *     hl_profile_destroy(profile);
 *
 * A profile collects from any number of sandboxes of one guest, one after another or at the same
 * time, each on its own thread.  docs/profile-format.md describes what it writes.
 *
 * No code is needed to profile an existing program: with HL_PROFILE=FILE in the environment, a
 * program that uses libhl writes the profile of its guest when it exits (of a second guest to
 * FILE.2, and so on), unless it is set-uid.  With HL_PROFILE_HZ=1000 as well, it samples, as
 * hl-dev profile --cpu does.
 */
#ifndef HL_PROFILE_H
#define HL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include <hl/error.h>
#include <hl/image.h>
#include <hl/sandbox.h>
#include <hl/sized.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hl_profile;

struct hl_profile_config {
    size_t size HL_SIZED(hl_profile_config);
    /*
     * 0: record each exit.  Else sample the guest and its host that many times per second: a timer
     * interrupts KVM_RUN with hl_kick_signal(), which is blocked in the thread otherwise, so that
     * host functions do not see it.
     */
    unsigned rate_hz;
    /*
     * Count the pages that each call reads or writes.  The first access to a page in a call then
     * costs a fault (8 to 40 us on kvm_pvm), which distorts the times.
     */
    bool pages;
};
#define HL_PROFILE_CONFIG_INIT HL_SIZED_INIT(hl_profile_config)
#define HL_PROFILE_RATE_MAX 10000 /* of rate_hz */

/*
 * config may be NULL.  The image may be closed before the profile: its bytes are kept, because
 * names are looked up when the JSON is written, within the bounds of hl/symbols.h.  Errors:
 * ARGUMENT, MEMORY.
 */
HL_API int hl_profile_create(struct hl_profile **profile, const struct hl_image *image,
                             const struct hl_profile_config *config, struct hl_error *error);

/*
 * Collect from a sandbox of that image until it is detached or destroyed.  Between calls; attach
 * before start to include it.  Errors: ARGUMENT (the sandbox is of another image or already
 * attached; for detach: not attached), BUSY, MEMORY.
 */
HL_API int hl_profile_attach(struct hl_profile *profile, struct hl_sandbox *sandbox,
                             struct hl_error *error);
HL_API int hl_profile_detach(struct hl_profile *profile, struct hl_sandbox *sandbox,
                             struct hl_error *error);

/*
 * What has been collected so far, as JSON.  Any thread, any time.  The caller frees *text with
 * free().  hl_profile_write() replaces the file as a whole or not at all.  Errors: MEMORY, FILE.
 */
HL_API int hl_profile_json(struct hl_profile *profile, char **text, struct hl_error *error);
HL_API int hl_profile_write(struct hl_profile *profile, const char *path, struct hl_error *error);

/* NULL is fine.  If sandboxes are still attached, it is freed when the last one is destroyed. */
HL_API void hl_profile_destroy(struct hl_profile *profile);

#ifdef __cplusplus
}
#endif

#endif
