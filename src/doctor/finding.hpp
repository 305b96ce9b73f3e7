// SPDX-License-Identifier: GPL-2.0-or-later
// What doctor says about one thing. The ids are promises: docs/troubleshooting.md explains each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace farewell::doctor {

enum class Verdict : std::uint8_t {
    well,
    note,     ///< worth knowing; nothing is wrong
    skipped,  ///< could not be looked at, and the text says why
    warning,
    failure,
};

[[nodiscard]] constexpr std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::well:
            return "well";
        case Verdict::note:
            return "note";
        case Verdict::skipped:
            return "skipped";
        case Verdict::warning:
            return "warning";
        case Verdict::failure:
            return "failure";
    }
    return "unknown";
}

struct Finding {
    Verdict verdict = Verdict::well;
    std::string text;
    std::string mend;          ///< one command; empty: none is needed, or none would do
    std::string_view id = {};  ///< set by judge()
};

}  // namespace farewell::doctor
