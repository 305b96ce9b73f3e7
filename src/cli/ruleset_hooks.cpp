// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/ruleset_hooks.hpp"

#include <fmt/format.h>

namespace farewell::cli {
namespace {

using config::CaptureSource;
using Capture = config::Config::Capture;

bool is_logged(const Capture& capture) {
    return capture.source == CaptureSource::nflog;
}

std::string nft_statement(const Capture& capture) {
    if (is_logged(capture)) {
        return fmt::format("log group {} drop", capture.group);
    }
    return capture.first_queue == capture.last_queue
               ? fmt::format("queue num {}", capture.first_queue)
               : fmt::format("queue num {}-{}", capture.first_queue, capture.last_queue);
}

std::string iptables_target(const Capture& capture) {
    if (is_logged(capture)) {
        return fmt::format("NFLOG --nflog-group {}", capture.group);
    }
    return capture.first_queue == capture.last_queue
               ? fmt::format("NFQUEUE --queue-num {}", capture.first_queue)
               : fmt::format("NFQUEUE --queue-balance {}:{}", capture.first_queue, capture.last_queue);
}

std::string for_nftables(const Capture& capture) {
    return fmt::format(
        "# The last rule of your own input chain, whose policy is drop, in /etc/nftables.conf:\n"
        "{}\n"
        "# then: systemctl reload nftables\n",
        nft_statement(capture));
}

std::string for_ufw(const Capture& capture) {
    return fmt::format(
        "# Right before COMMIT in /etc/ufw/after.rules, with ufw's default of incoming deny:\n"
        "-A ufw-after-input -j {0}\n"
        "# and right before COMMIT in /etc/ufw/after6.rules:\n"
        "-A ufw6-after-input -j {0}\n"
        "# then: ufw reload\n",
        iptables_target(capture));
}

std::string for_firewalld(const Capture& capture) {
    if (!is_logged(capture)) {
        return "# firewalld has no place for a queue behind its own rules: set capture.source = \"nflog\",\n"
               "# or let `farewell ruleset install` set a trap, which needs none.\n";
    }
    return fmt::format(
        "# The last rich rule of the zone, here public; firewalld drops or rejects afterwards by itself:\n"
        "firewall-cmd --permanent --zone=public --add-rich-rule='rule priority=32767 nflog group={}'\n"
        "firewall-cmd --reload\n",
        capture.group);
}

}  // namespace

std::optional<std::string> hook_text(std::string_view firewall, const Capture& capture) {
    if (firewall == "nftables") {
        return for_nftables(capture);
    }
    if (firewall == "ufw") {
        return for_ufw(capture);
    }
    if (firewall == "firewalld") {
        return for_firewalld(capture);
    }
    return std::nullopt;
}

}  // namespace farewell::cli
