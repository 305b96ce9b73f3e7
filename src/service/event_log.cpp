// SPDX-License-Identifier: GPL-2.0-or-later
#include "service/event_log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "report/printable.hpp"

namespace farewell::service {
namespace {

/// As the default logger it is one for the whole program. nullptr: lines go to stderr.
std::unique_ptr<Journal>& journal() {
    static std::unique_ptr<Journal> of_program;
    return of_program;
}

/// syslog(3)'s number.
std::string priority_of(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::critical:
        case spdlog::level::err:
            return "3";
        case spdlog::level::warn:
            return "4";
        case spdlog::level::debug:
        case spdlog::level::trace:
            return "7";
        default:
            return "6";
    }
}

/// The other fields keep their bytes, which the journal has a form for.
void append_usual_fields(std::vector<Field>& fields, spdlog::level::level_enum level, std::string_view line) {
    fields.push_back({"MESSAGE", report::printable(line)});
    fields.push_back({"PRIORITY", priority_of(level)});
    fields.push_back({"SYSLOG_IDENTIFIER", "farewelld"});
}

/// A line as it may go to a terminal.
class PrintableText final : public spdlog::custom_flag_formatter {
 public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& line) override {
        const std::string text = report::printable({message.payload.data(), message.payload.size()});
        line.append(text.data(), text.data() + text.size());
    }
    [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
        return std::make_unique<PrintableText>();
    }
};

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        std::vector<Field> fields;
        append_usual_fields(fields, message.level, {message.payload.data(), message.payload.size()});
        journal()->send(fields);
    }
    void flush_() override {}
};

}  // namespace

void set_up_log() {
    journal() = Journal::of_stderr();
    std::shared_ptr<spdlog::logger> logger;
    if (journal()) {
        logger = std::make_shared<spdlog::logger>("farewelld", std::make_shared<JournalSink>());
    } else {
        logger = spdlog::stderr_logger_mt("farewelld");
        auto pattern = std::make_unique<spdlog::pattern_formatter>();
        pattern->add_flag<PrintableText>('*').set_pattern("%Y-%m-%d %H:%M:%S.%e %-7l %*");
        logger->set_formatter(std::move(pattern));
    }
    spdlog::set_default_logger(std::move(logger));
}

void log_event(const MessageId& id, spdlog::level::level_enum level, std::string_view line,
               std::vector<Field> fields) {
    if (!journal()) {
        spdlog::log(level, "{}", line);
        return;
    }
    if (!spdlog::should_log(level)) {
        return;
    }
    std::erase_if(fields, [](const Field& field) { return field.value.empty(); });
    append_usual_fields(fields, level, line);
    fields.push_back({"MESSAGE_ID", std::string(id.text)});
    journal()->send(fields);
}

}  // namespace farewell::service
