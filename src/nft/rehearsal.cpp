// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/rehearsal.hpp"

#include <sched.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "nft/ruleset.hpp"

namespace farewell::nft {
namespace {

std::expected<std::string, RehearsalFailure> rehearse_here(const std::string& text, std::string_view table) {
    if (unshare(CLONE_NEWNET) != 0) {
        const int reason = errno;
        return std::unexpected(
            RehearsalFailure{.message = "make a network namespace to compare in: " +
                                        std::error_code(reason, std::generic_category()).message(),
                             .no_permission = reason == EPERM});
    }
    if (auto built = run_text(text); !built) {
        return std::unexpected(RehearsalFailure{.message = "build the wanted table: " + built.error()});
    }
    auto listed = list_text(table);
    if (!listed) {
        return std::unexpected(RehearsalFailure{.message = "list the wanted table: " + listed.error()});
    }
    return std::move(*listed);
}

}  // namespace

std::expected<std::string, RehearsalFailure> rehearse_text(const std::string& text, std::string_view table) {
    // A namespace is a thread's own: this one leaves ours, and ends.
    std::expected<std::string, RehearsalFailure> result;
    std::jthread([&] { result = rehearse_here(text, table); }).join();
    return result;
}

}  // namespace farewell::nft
