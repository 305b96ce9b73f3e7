// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as what nft lists of the kernel's rules: read or refused, and walked through to an end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "doctor/delivery_site.hpp"
#include "doctor/ruleset.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    // JSON holds no NUL: what follows one is the text listing.
    const std::size_t end = bytes.find('\0');
    const std::string_view text = end == std::string_view::npos ? std::string_view() : bytes.substr(end + 1);
    const auto ruleset = farewell::doctor::parse_ruleset(bytes.substr(0, end), text);
    if (!ruleset) {
        return 0;
    }
    for (const farewell::doctor::DeliverySite& site : farewell::doctor::find_deliveries(*ruleset)) {
        if (site.position == 0 || site.hook.empty()) {
            std::abort();
        }
    }
    return 0;
}
